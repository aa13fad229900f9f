import { SecretUnreadable, type KeyRing } from '../crypto/secret-box.ts';
import { SetupFault } from '../errors.ts';
import type { InTransaction } from '../transaction.ts';
import type { EncryptionKeyStore, KnownKey, SealedColumn } from './encryption-key-store.ts';
import { walkSealed } from './walk-sealed.ts';

export interface KeyDependencies {
  readonly inTransaction: InTransaction<{ readonly encryptionKeys: EncryptionKeyStore }>;
  readonly ring: KeyRing;
  readonly columns: readonly SealedColumn[];
  /** How long a new key only opens, while replicas that do not have it yet may still run. */
  readonly rolloutSeconds: number;
}

const checkValue = Buffer.from('twofold');
const contextOf = (row: string) => ({ table: 'encryption_keys', column: 'check_sealed', owner: '', row });

/**
 * Compares the ring with the keys that the database knows, before anything is sealed or opened. Throws `SetupFault` for
 * a key that is another one than it was, and for one that is missing while something is sealed with it. New keys are
 * written down; nothing else is changed.
 */
export async function checkEncryptionKeys({
  inTransaction,
  ring,
  columns,
  rolloutSeconds,
}: KeyDependencies): Promise<void> {
  const known = await inTransaction(({ encryptionKeys }) => encryptionKeys.listKeys());
  if (known.length === 0) await checkSamples();
  for (const { id, checkSealed } of known) if (ring.keyIds.includes(id)) assertOpens(id, checkSealed);
  for (const key of known) if (!ring.keyIds.includes(key.id)) await assertUnused(key);
  for (const id of ring.keyIds) {
    if (known.some((key) => key.id === id)) continue;
    const sealed = ring.sealUnder(id, checkValue, contextOf(id));
    const stands = await inTransaction(async ({ encryptionKeys }) => {
      await encryptionKeys.addKey(id, sealed, known.length === 0 ? 0 : rolloutSeconds);
      return encryptionKeys.listKeys();
    });
    // Another replica may have been first, with another key of the same name.
    assertOpens(id, stands.find((key) => key.id === id)?.checkSealed ?? '');
  }

  function assertOpens(id: string, checkSealed: string): void {
    try {
      if (ring.open(checkSealed, contextOf(id)).equals(checkValue)) return;
    } catch (error) {
      if (!(error instanceof SecretUnreadable)) throw error;
    }
    throw new SetupFault(
      'encryption_key_wrong',
      `ENCRYPTION_KEYS: '${id}' is not the key of that name with which this database was sealed; nothing was changed`,
    );
  }

  async function assertUnused({ id, emptySeconds }: KnownKey): Promise<void> {
    if (emptySeconds !== null) return;
    for (const column of columns) {
      for await (const rows of walkSealed(inTransaction, column)) {
        if (!rows.some(({ sealed }) => ring.keyIdOf(sealed) === id)) continue;
        throw new SetupFault(
          'encryption_key_missing',
          `ENCRYPTION_KEYS: the key '${id}' is missing, and secrets in ${column.table} are sealed with it; nothing was changed`,
        );
      }
    }
  }

  /** A database that was sealed before keys were written down: whatever is there must open. */
  async function checkSamples(): Promise<void> {
    for (const column of columns) {
      const [row] = await inTransaction(({ encryptionKeys }) => encryptionKeys.readSlice(column, null, 1));
      if (row === undefined) continue;
      try {
        ring.open(row.sealed, column.context(row));
      } catch (error) {
        if (!(error instanceof SecretUnreadable)) throw error;
        throw new SetupFault(
          'encryption_key_wrong',
          `ENCRYPTION_KEYS: no key there opens what stands in ${column.table}; nothing was changed`,
        );
      }
    }
  }
}

/** Lets the first key of the ring that every replica has do the sealing; to be called every few seconds. */
export async function chooseSealingKey({ inTransaction, ring }: Pick<KeyDependencies, 'inTransaction' | 'ring'>) {
  const known = await inTransaction(({ encryptionKeys }) => encryptionKeys.listKeys());
  const ready = ring.keyIds.find((id) => known.some((key) => key.id === id && key.maySeal));
  if (ready !== undefined) ring.sealWith(ready);
}
