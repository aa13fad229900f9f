import { sql, type Kysely } from 'kysely';
import { Conflict, SetupFault } from '../../errors.ts';
import { countOtherConnections, holdsData, listTables, listTriggered } from './dump-catalogue.ts';
import { migrateWithin, migrationStatus } from './migrate.ts';
import type { Tables } from './tables.ts';

export interface LoadDumpOptions {
  /** The migrations of the dump's header. */
  readonly migrations: readonly string[];
  /** The dump's lines after its header; see `writeDump`. */
  readonly lines: AsyncIterable<string>;
  /** Whether what is there may be replaced. */
  readonly replace: boolean;
}

const rowsAtOnce = 500;
const charactersAtOnce = 4_000_000;

/**
 * Loads a dump in one transaction, in which `afterwards` runs as well. The tables are first made as they were when the
 * dump was taken, then migrated. Throws `Conflict` while somebody else is connected and where there is data that may not
 * be replaced, `SetupFault` for a dump of another version than can be loaded; then nothing was changed. The connection
 * must be the owner's: the triggers that keep the record append-only are off while it is filled.
 */
export async function loadDump<Result>(
  db: Kysely<Tables>,
  { migrations, lines, replace }: LoadDumpOptions,
  afterwards: (db: Kysely<Tables>) => Promise<Result>,
): Promise<Result> {
  const known = await migrationStatus(db);
  const newer = migrations.find((name) => !known.some((one) => one.name === name));
  if (newer !== undefined) {
    throw new SetupFault('backup_newer', `the backup is of a newer version (it knows ${newer}): install that version`);
  }
  const beyond = known.find(({ name, appliedAt }) => appliedAt !== null && !migrations.includes(name));
  if (beyond !== undefined) {
    throw new SetupFault(
      'database_newer',
      `the database has ${beyond.name} already, which the backup lacks: restore into an empty database`,
    );
  }
  return inOneTransaction(db, async (transaction) => {
    const others = await countOtherConnections(transaction);
    if (others > 0) {
      throw new Conflict('database_in_use', `the database is in use by ${others} other connections: stop all replicas`);
    }
    if (!replace && (await holdsData(transaction))) {
      throw new Conflict('database_not_empty', 'there is data already: say --replace to put the backup in its place');
    }
    await migrateWithin(transaction, migrations.at(-1));
    const triggered = await listTriggered(transaction);
    for (const name of triggered) await sql`alter table ${sql.id(name)} disable trigger user`.execute(transaction);
    const names = (await listTables(transaction)).map(({ name }) => sql.id(name));
    await sql`truncate ${sql.join(names)}`.execute(transaction);
    await loadLines(transaction, lines);
    // Partitions made meanwhile have guards of their own, which were never off.
    for (const name of triggered) await sql`alter table ${sql.id(name)} enable trigger user`.execute(transaction);
    await migrateWithin(transaction);
    return afterwards(transaction);
  });
}

/** Begun and ended by hand: the migrator refuses the library's own transactions, and must run inside this one. */
function inOneTransaction<Result>(
  db: Kysely<Tables>,
  work: (transaction: Kysely<Tables>) => Promise<Result>,
): Promise<Result> {
  return db.connection().execute(async (connection) => {
    await sql`begin`.execute(connection);
    try {
      const result = await work(connection);
      await sql`commit`.execute(connection);
      return result;
    } catch (error) {
      await sql`rollback`.execute(connection).catch(() => undefined);
      throw error;
    }
  });
}

async function loadLines(db: Kysely<Tables>, lines: AsyncIterable<string>): Promise<void> {
  let table = '';
  let columns: readonly string[] = [];
  let rows: string[] = [];
  let characters = 0;
  const insert = async (): Promise<void> => {
    if (rows.length > 0) await insertRows(db, table, columns, rows);
    rows = [];
    characters = 0;
  };
  for await (const line of lines) {
    if (line.startsWith('{')) {
      rows.push(line);
      characters += line.length;
      if (rows.length >= rowsAtOnce || characters >= charactersAtOnce) await insert();
      continue;
    }
    await insert();
    const [kind, name, ...rest] = JSON.parse(line) as [string, string, ...unknown[]];
    if (kind === 'table') {
      table = name;
      columns = rest[0] as string[];
      for (const month of rest[1] as string[]) {
        await sql`select audit_add_month(${`${month}-01`}::date)`.execute(db);
      }
    } else if (kind === 'sequence') {
      await sql`select setval(${sql.lit(name)}::regclass, ${String(rest[0])}::bigint)`.execute(db);
    }
  }
  await insert();
}

/** The rows' own text goes to the database, which reads it as it wrote it. */
async function insertRows(
  db: Kysely<Tables>,
  table: string,
  columns: readonly string[],
  rows: readonly string[],
): Promise<void> {
  const into = sql.join(columns.map((column) => sql.id(column)));
  await sql`
    insert into ${sql.id(table)} (${into}) overriding system value
    select ${into} from jsonb_populate_recordset(null::${sql.id(table)}, ${`[${rows.join(',')}]`}::jsonb)`.execute(db);
}
