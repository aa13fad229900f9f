import { sql, type Kysely } from 'kysely';
import { undoHours } from '../../domain/notice.ts';
import type { LeftoverStore } from '../../notifications/leftover-store.ts';
import { guarded } from './database.ts';
import type { Tables } from './tables.ts';

const undo = sql`now() - make_interval(hours => ${sql.lit(undoHours)})`;

/** Each table and what of it is of no use to anybody. */
const leftovers = [
  { table: 'authenticators', where: sql`voided_at < ${undo} or (confirmed_at is null and expires_at < ${undo})` },
  { table: 'recovery_codes', where: sql`voided_at < ${undo}` },
  { table: 'previous_addresses', where: sql`replaced_at < ${undo}` },
  { table: 'not_me_links', where: sql`expires_at < now()` },
  { table: 'links', where: sql`expires_at < now() - interval '7 days'` },
  { table: 'known_browsers', where: sql`expires_at < now()` },
  { table: 'notice_budgets', where: sql`window_started_at < now() - interval '1 day'` },
  {
    table: 'outbox',
    where: sql`channel in ('mail', 'logout') and coalesce(delivered_at, failed_at) < now() - interval '30 days'`,
  },
] as const;

export class PostgresLeftoverStore implements LeftoverStore {
  readonly #db: Kysely<Tables>;

  constructor(db: Kysely<Tables>) {
    this.#db = db;
  }

  async destroy(most: number): Promise<number> {
    let destroyed = 0n;
    for (const { table, where } of leftovers) {
      const name = sql.table(table);
      const { numAffectedRows } = await guarded(() =>
        sql`
          delete from ${name} where ctid in (
            select ctid from ${name} where ${where} limit ${most}::int for update skip locked)`.execute(this.#db),
      );
      destroyed += numAffectedRows ?? 0n;
    }
    return Number(destroyed);
  }
}
