import type { InTransaction } from '../transaction.ts';
import type { EncryptionKeyStore, SealedColumn, SealedRow } from './encryption-key-store.ts';

const rowsAtOnce = 1000;

/** All values of a column, a slice at a time, each read in a short transaction of its own. */
export async function* walkSealed(
  inTransaction: InTransaction<{ readonly encryptionKeys: EncryptionKeyStore }>,
  column: SealedColumn,
): AsyncGenerator<SealedRow[]> {
  for (let after: string | null = null; ;) {
    const from: string | null = after;
    const rows: SealedRow[] = await inTransaction(({ encryptionKeys }) =>
      encryptionKeys.readSlice(column, from, rowsAtOnce),
    );
    yield rows;
    if (rows.length < rowsAtOnce) return;
    after = rows.at(-1)?.key ?? null;
  }
}
