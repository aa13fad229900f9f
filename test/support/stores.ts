import { mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '../../src/clock.ts';
import { makeStores, type Stores } from '../../src/compose/stores.ts';
import { newBytes, newId } from '../../src/crypto/random.ts';
import { createSecretBox } from '../../src/crypto/secret-box.ts';
import { PersonKeys } from '../../src/storage/postgres/audit-person-keys.ts';
import {
  createInOneTrip,
  createInTransaction,
  openDatabase,
  type Database,
} from '../../src/storage/postgres/database.ts';
import type { InTransaction } from '../../src/transaction.ts';
import { freshDatabase } from './database.ts';
import { freshEmbeddedFolder } from './embedded-folder.ts';

export interface OpenedStores {
  readonly database: Database;
  readonly inTransaction: InTransaction<Stores>;
  /** For work that asks for all its statements at once and records no event. */
  readonly inOneTrip: InTransaction<Stores>;
  readonly secretBox: ReturnType<typeof createSecretBox>;
  close(): Promise<void>;
}

/** The databases every store must work on. */
export const databaseKinds = ['PostgreSQL', 'PGlite'] as const;

export async function openStores(kind: (typeof databaseKinds)[number]): Promise<OpenedStores> {
  const fresh = kind === 'PostgreSQL' ? await freshDatabase() : undefined;
  const folder = mkdtempSync(join(tmpdir(), 'twofold-'));
  const embeddedFolder = join(folder, 'database');
  if (fresh === undefined) await freshEmbeddedFolder(embeddedFolder);
  const database = await openDatabase(
    fresh === undefined
      ? { embeddedFolder }
      : {
          url: fresh.url,
          poolSize: 10,
          connectionTimeoutMilliseconds: 5000,
          statementTimeoutMilliseconds: 10_000,
          lockTimeoutMilliseconds: 10_000,
        },
  );
  const secretBox = createSecretBox([{ id: 'k1', key: newBytes(32) }]);
  const keys = new PersonKeys(secretBox, systemClock);
  return {
    database,
    secretBox,
    inTransaction: createInTransaction(database.kysely, (db) => makeStores(db, keys, secretBox)),
    inOneTrip: createInOneTrip(database.kysely, (db) => makeStores(db, keys, secretBox, new Map())),
    async close() {
      await database.close();
      await fresh?.drop();
      await rm(folder, { recursive: true });
    },
  };
}

/** A person without password and factor. */
export async function addUser({ inTransaction }: OpenedStores, name = newId()): Promise<string> {
  const id = newId();
  const user = { id, username: name, email: null, emailVerified: false, passwordHash: null, roles: [] };
  await inTransaction(({ users }) => users.insert({ ...user, claims: {}, locale: null }));
  return id;
}

/** What a test says of the request it makes. */
export const testContext = { requestId: 'test', address: '192.0.2.1', userAgent: 'test' };
