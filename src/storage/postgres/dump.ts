import { sql, type Kysely } from 'kysely';
import { asStoreFault } from './faults.ts';
import { listSequences, listTables } from './dump-catalogue.ts';
import { migrationStatus } from './migrate.ts';
import type { Tables } from './tables.ts';

/** What a dump says of itself: which migrations made the tables it was taken from. */
export interface DumpHeader {
  readonly migrations: readonly string[];
}

const rowsAtOnce = 500;

/**
 * Writes every row of the database as lines, as one moment saw it (one repeatable-read transaction), in an order that
 * foreign keys allow. A line that begins with `{` is a row, just as the database writes it, so that no number or moment
 * loses a digit; `["table", name, columns, months]` says whose rows follow, `["sequence", name, value]` where a sequence
 * stands. Memory is constant: each line is waited for. Answers how many rows there were.
 */
export async function writeDump(
  db: Kysely<Tables>,
  begin: (header: DumpHeader) => Promise<void>,
  write: (line: string) => Promise<void>,
): Promise<number> {
  try {
    const applied = (await migrationStatus(db)).filter(({ appliedAt }) => appliedAt !== null);
    return await db
      .transaction()
      .setIsolationLevel('repeatable read')
      .setAccessMode('read only')
      .execute(async (transaction) => {
        await begin({ migrations: applied.map(({ name }) => name) });
        let count = 0;
        for (const { name, columns, months } of await listTables(transaction)) {
          await write(JSON.stringify(['table', name, columns, months]));
          for await (const row of rowsOf(transaction, name)) {
            await write(row);
            count += 1;
          }
        }
        for (const { name, value } of await listSequences(transaction)) {
          await write(JSON.stringify(['sequence', name, value]));
        }
        return count;
      });
  } catch (error) {
    // Never tried again: what was written cannot be taken back.
    throw asStoreFault(error);
  }
}

async function* rowsOf(db: Kysely<Tables>, table: string): AsyncGenerator<string, void, void> {
  await sql`
    declare dumped_rows no scroll cursor for select to_jsonb(t)::text as row from ${sql.id(table)} t`.execute(db);
  for (;;) {
    const { rows } = await sql<{ row: string }>`fetch forward ${sql.lit(rowsAtOnce)} from dumped_rows`.execute(db);
    for (const { row } of rows) yield row;
    if (rows.length < rowsAtOnce) break;
  }
  await sql`close dumped_rows`.execute(db);
}
