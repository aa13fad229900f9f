import { sql, type Kysely, type Selectable } from 'kysely';
import type { ChainedEvent, ChainReader, MonthTally, Seal, SealStore } from '../../audit/seal-store.ts';
import type { Tables } from './tables.ts';
import type { AuditSealsTable } from './tables/audit.ts';

/** The advisory lock of whoever seals; one at a time. */
export const sealerLock = 728_201;

/** An event's fields exactly as they are chained; the texts of a moment and of jsonb do not depend on the session. */
const chainedFields = sql<ChainedEvent>`
  e.id::text as id, to_char(e.at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as at, e.type, e.actor, e.target,
  e.result, e.reason, e.details::text as details, e.request_id as "requestId", e.origin_sealed as "originSealed",
  e.personal_sealed as "personalSealed"`;

export class PostgresSealStore implements SealStore {
  readonly #db: Kysely<Tables>;

  constructor(db: Kysely<Tables>) {
    this.#db = db;
  }

  async begin(most: number): Promise<{ last: Seal | undefined; events: ChainedEvent[] } | undefined> {
    // The lock is taken by a statement of its own: the next one sees what its last holder committed.
    const { rows: locks } = await sql<{ locked: boolean }>`
      select pg_try_advisory_xact_lock(${sealerLock}) as locked`.execute(this.#db);
    if (locks[0]?.locked !== true) return undefined;
    const { rows: events } = await sql<ChainedEvent>`
      select ${chainedFields} from (select id, at from audit_unsealed order by id offset 0) u
      -- One by one: joined as a whole, every event there ever was would be read while the table has no statistics. The
      -- limit is on what is found: those whose event was removed must not stand in the way of the others.
      cross join lateral (select * from audit_events where id = u.id and at = u.at offset 0) e
      order by u.id limit ${most}`.execute(this.#db);
    if (events.length === 0) return { last: undefined, events };
    const row = await this.#db
      .selectFrom('audit_seals')
      .selectAll()
      .orderBy('number', 'desc')
      .limit(1)
      .executeTakeFirst();
    return { last: row && toSeal(row), events };
  }

  async append(seals: readonly Seal[]): Promise<void> {
    await this.#db
      .insertInto('audit_seals')
      .values(
        seals.map((seal) => ({
          number: String(seal.number),
          month: `${seal.month}-01`,
          event_ids: [...seal.eventIds],
          event_hashes: seal.eventHashes,
          previous_hash: seal.previousHash,
          hash: seal.hash,
          hash_sealed: seal.hashSealed,
        })),
      )
      .execute();
    const ids = seals.flatMap(({ eventIds }) => eventIds);
    await sql`delete from audit_unsealed where id = any (${ids}::bigint[])`.execute(this.#db);
  }
}

export class PostgresChainReader implements ChainReader {
  readonly #db: Kysely<Tables>;

  constructor(db: Kysely<Tables>) {
    this.#db = db;
  }

  async readSeals(number: number, most: number): Promise<Seal[]> {
    const rows = await this.#db
      .selectFrom('audit_seals')
      .selectAll()
      .where('number', '>=', String(number))
      .orderBy('number')
      .limit(most)
      .execute();
    return rows.map(toSeal);
  }

  async readEvents(ids: readonly string[], month: string): Promise<ChainedEvent[]> {
    const { rows } = await sql<ChainedEvent>`
      select ${chainedFields} from audit_events e
      where e.id = any (${[...ids]}::bigint[]) and ${ofMonth(sql.ref('e.at'), month)}`.execute(this.#db);
    return rows;
  }

  async tally(): Promise<MonthTally[]> {
    const { rows } = await sql<{ month: string; events: string; waiting: string; sealed: string }>`
      select month, sum(events) as events, sum(waiting) as waiting, sum(sealed) as sealed from (
        select to_char(at at time zone 'UTC', 'YYYY-MM') as month, count(*) as events, 0 as waiting, 0 as sealed
        from audit_events group by 1
        union all
        select to_char(u.at at time zone 'UTC', 'YYYY-MM'), 0, count(*), 0
        from audit_unsealed u join audit_events e on e.id = u.id and e.at = u.at group by 1
        union all
        select to_char(month, 'YYYY-MM'), 0, 0, sum(cardinality(event_ids)) from audit_seals group by 1
      ) as counts group by month order by month`.execute(this.#db);
    return rows.map(({ month, events, waiting, sealed }) => ({
      month,
      events: Number(events),
      waiting: Number(waiting),
      sealed: Number(sealed),
    }));
  }

  async findStrays(month: string, most: number): Promise<string[]> {
    const { rows } = await sql<{ id: string }>`
      select e.id::text as id from audit_events e
      where ${ofMonth(sql.ref('e.at'), month)}
        and not exists (select 1 from audit_unsealed u where u.id = e.id)
        and e.id not in (select unnest(event_ids) from audit_seals where month = ${`${month}-01`}::date)
      order by e.id limit ${most}`.execute(this.#db);
    return rows.map(({ id }) => id);
  }

  async findLost(most: number): Promise<string[]> {
    const { rows } = await sql<{ id: string }>`
      select u.id::text as id from audit_unsealed u
      where not exists (select 1 from audit_events e where e.id = u.id and e.at = u.at)
      order by u.id limit ${most}`.execute(this.#db);
    return rows.map(({ id }) => id);
  }
}

/** Written with bounds, so that only the partition of that month is looked at. */
function ofMonth(column: ReturnType<typeof sql.ref>, month: string) {
  const first = `${month}-01 00:00:00`;
  return sql<boolean>`${column} >= ${first}::timestamp at time zone 'UTC'
    and ${column} < (${first}::timestamp + interval '1 month') at time zone 'UTC'`;
}

function toSeal(row: Selectable<AuditSealsTable>): Seal {
  const { month } = row;
  return {
    number: Number(row.number),
    // The driver reads a date as local midnight.
    month: `${month.getFullYear()}-${String(month.getMonth() + 1).padStart(2, '0')}`,
    eventIds: row.event_ids.map(String),
    eventHashes: row.event_hashes,
    previousHash: row.previous_hash,
    hash: row.hash,
    hashSealed: row.hash_sealed,
  };
}
