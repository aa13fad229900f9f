import { sql, type Kysely } from 'kysely';
import type { AuditMonthStore } from '../../audit/prune.ts';
import type { Tables } from './tables.ts';

export class PostgresAuditMonthStore implements AuditMonthStore {
  readonly #db: Kysely<Tables>;

  constructor(db: Kysely<Tables>) {
    this.#db = db;
  }

  async addAhead(): Promise<void> {
    await sql`
      select audit_add_month((date_trunc('month', now() at time zone 'UTC') + make_interval(months => ahead))::date)
      from generate_series(0, 2) as ahead`.execute(this.#db);
  }

  async listExpired(): Promise<{ month: string; events: number }[]> {
    const { rows } = await sql<{ month: string; events: string }>`
      select to_char(at at time zone 'UTC', 'YYYY-MM') as month, count(*) as events from audit_events
      where at < (date_trunc('month', now() at time zone 'UTC')
        - make_interval(months => (select months from audit_retention))) at time zone 'UTC'
      group by 1 order by 1`.execute(this.#db);
    return rows.map(({ month, events }) => ({ month, events: Number(events) }));
  }

  async drop(month: string): Promise<void> {
    await sql`select audit_drop_month(${`${month}-01`}::date)`.execute(this.#db);
  }
}

/** Sets how many whole months the record is kept; null keeps it for ever. With the owner's connection only. */
export async function setAuditRetention(owner: Kysely<Tables>, months: number | null): Promise<void> {
  await owner.updateTable('audit_retention').set({ months }).execute();
}
