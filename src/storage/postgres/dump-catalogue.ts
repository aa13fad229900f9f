import { sql, type Kysely } from 'kysely';
import { SetupFault } from '../../errors.ts';
import type { Tables } from './tables.ts';

export interface DumpedTable {
  readonly name: string;
  /** Those that are stored as given; computed ones compute themselves again. */
  readonly columns: readonly string[];
  /** The months (`2026-11`) that have a partition of their own. */
  readonly months: readonly string[];
}

/** Every table that holds data, each after those that it refers to. Partitions are read through their table. */
export async function listTables(db: Kysely<Tables>): Promise<DumpedTable[]> {
  const { rows } = await sql<{ name: string; columns: string[]; needs: string[]; months: string[] }>`
    select c.relname::text as name,
      array(select a.attname::text from pg_attribute a
        where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped and a.attgenerated = ''
        order by a.attnum) as columns,
      array(select distinct r.relname::text from pg_constraint k join pg_class r on r.oid = k.confrelid
        where k.contype = 'f' and k.conrelid = c.oid and k.confrelid <> c.oid) as needs,
      array(select replace(right(p.relname::text, 7), '_', '-') from pg_inherits i join pg_class p on p.oid = i.inhrelid
        where i.inhparent = c.oid and p.relname ~ '_[0-9]{4}_[0-9]{2}$' order by 1) as months
    from pg_class c
    where c.relnamespace = current_schema()::regnamespace and c.relkind in ('r', 'p') and not c.relispartition
      and c.relname not like 'kysely_migration%'
    order by c.relname`.execute(db);
  return inOrder(rows);
}

function inOrder<Table extends { readonly name: string; readonly needs: readonly string[] }>(
  tables: readonly Table[],
): Table[] {
  const ordered: Table[] = [];
  const done = new Set<string>();
  while (ordered.length < tables.length) {
    const ready = tables.filter(({ name, needs }) => !done.has(name) && needs.every((other) => done.has(other)));
    if (ready.length === 0) throw new SetupFault('tables_in_a_circle', 'tables refer to one another in a circle');
    for (const table of ready) {
      ordered.push(table);
      done.add(table.name);
    }
  }
  return ordered;
}

/** Where each sequence stands; those that were never used are left out. */
export async function listSequences(db: Kysely<Tables>): Promise<{ readonly name: string; readonly value: string }[]> {
  const { rows } = await sql<{ name: string; value: string }>`
    select sequencename::text as name, last_value::text as value from pg_sequences
    where schemaname = current_schema() and last_value is not null order by 1`.execute(db);
  return rows;
}

/** The tables whose rows are guarded by triggers of ours, partitions included. */
export async function listTriggered(db: Kysely<Tables>): Promise<string[]> {
  const { rows } = await sql<{ name: string }>`
    select distinct c.relname::text as name from pg_trigger t join pg_class c on c.oid = t.tgrelid
    where not t.tgisinternal and c.relnamespace = current_schema()::regnamespace and c.relkind in ('r', 'p')
    order by 1`.execute(db);
  return rows.map(({ name }) => name);
}

/** Clients of this database beside the one that asks: a replica that runs, a pooler, somebody's terminal. */
export async function countOtherConnections(db: Kysely<Tables>): Promise<number> {
  const { rows } = await sql<{ others: number }>`
    select count(*)::int as others from pg_stat_activity
    where datname = current_database() and pid <> pg_backend_pid() and backend_type = 'client backend'`.execute(db);
  return rows[0]?.others ?? 0;
}

/** Whether anybody or anything was ever kept here. */
export async function holdsData(db: Kysely<Tables>): Promise<boolean> {
  const { rows: tables } = await sql<{
    there: boolean;
  }>`select to_regclass('audit_events') is not null as there`.execute(db);
  if (tables[0]?.there !== true) return false;
  const { rows } = await sql<{ held: boolean }>`
    select exists (select from users) or exists (select from audit_events) or exists (select from signing_keys)
      as held`.execute(db);
  return rows[0]?.held === true;
}
