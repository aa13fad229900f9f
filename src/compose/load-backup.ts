import { systemClock } from '../clock.ts';
import type { KeyFile } from '../config/data-folder.ts';
import type { Settings } from '../config/settings-table.ts';
import { createSecretBox, type EncryptionKey, type SecretBox, type SecretContext } from '../crypto/secret-box.ts';
import type { RequestContext } from '../domain/audit-event.ts';
import { SetupFault } from '../errors.ts';
import { createAfterRestore } from '../second-factor/after-restore.ts';
import { PersonKeys } from '../storage/postgres/audit-person-keys.ts';
import type { Database } from '../storage/postgres/database.ts';
import { loadDump } from '../storage/postgres/load-dump.ts';
import { makeStores } from './stores.ts';

/** What a backup says of itself. */
export interface BackupHeader {
  readonly version: string;
  readonly madeAt: string;
  readonly issuer: string;
  readonly migrations: readonly string[];
  /** Sealed under the encryption key in use, so that a restore can tell whether it was given the right one. */
  readonly keyCheck: string;
  /** The generated keys of a data folder; absent where the keys are settings. */
  readonly keys?: Partial<KeyFile>;
}

export interface RestoreOptions {
  readonly settings: Settings;
  readonly header: BackupHeader;
  /** The backup's lines between its first and its last; already known to be whole. */
  readonly lines: AsyncIterable<string>;
  readonly replace: boolean;
  readonly voidRecoveryCodes: boolean;
  readonly actor: string;
  readonly context: RequestContext;
  readonly onProgress: (line: string) => void;
}

export interface RestoreReport {
  readonly authenticators: number;
  readonly sessions: number;
  /** Where that lies which was there before. */
  readonly movedTo?: string;
}

export const keyCheckContext: SecretContext = { table: 'backup', column: 'key_check', owner: '', row: '' };

/** The box of these keys; throws `SetupFault` where they are not those under which the backup's secrets are sealed. */
export function ringOf(keys: readonly EncryptionKey[], { keyCheck }: BackupHeader): SecretBox {
  const box = createSecretBox(keys);
  try {
    box.open(keyCheck, keyCheckContext);
  } catch {
    throw new SetupFault('backup_keys', "ENCRYPTION_KEYS: these are not the backup's keys: nothing in it would open");
  }
  return box;
}

/** Loads a backup and, in the same transaction, does what has to follow a restore. */
export function loadBackup(
  database: Database,
  secretBox: SecretBox,
  { header, lines, replace, voidRecoveryCodes, actor, context }: RestoreOptions,
): Promise<RestoreReport> {
  const personKeys = new PersonKeys(secretBox, systemClock);
  return loadDump(database.kysely, { migrations: header.migrations, lines, replace }, (db) =>
    createAfterRestore((work) => work(makeStores(db, personKeys, secretBox)))({ voidRecoveryCodes }, actor, context),
  );
}
