import { sql, type Kysely } from 'kysely';
import type { ExpiryStore } from '../../operations/expiry-store.ts';
import { guarded } from './database.ts';
import type { Tables } from './tables.ts';

/** When a row of a table is of no more use. What "this was not me" may bring back is kept for its 72 hours. */
const spent = {
  sessions: "ended_at < now() - interval '1 day' or (user_id is null and expires_at < now())",
  tokens: 'expires_at < now()',
  grants: 'expires_at < now()',
  used_once: 'expires_at < now()',
  challenges: "expires_at < now() - interval '1 day'",
  authenticators: "(confirmed_at is null and expires_at < now()) or voided_at < now() - interval '72 hours'",
  recovery_codes: "coalesce(voided_at, used_at) < now() - interval '72 hours'",
  links: "expires_at < now() - interval '7 days'",
  not_me_links: 'expires_at < now()',
  known_browsers: 'expires_at < now()',
  trusted_browsers: 'expires_at < now()',
  previous_addresses: "replaced_at < now() - interval '72 hours'",
  notice_budgets: "window_started_at < now() - interval '2 hours'",
  relying_party_secrets: 'expires_at < now()',
  backchannel_requests: 'expires_at < now()',
  idempotent_answers: 'expires_at < now()',
  outbox: "coalesce(delivered_at, failed_at) < now() - interval '30 days'",
} as const satisfies Readonly<Partial<Record<keyof Tables, string>>>;

export class PostgresExpiryStore implements ExpiryStore {
  readonly #db: Kysely<Tables>;

  constructor(db: Kysely<Tables>) {
    this.#db = db;
  }

  async sweep(most: number): Promise<number> {
    let touched = await this.#endSessions(most);
    for (const [table, condition] of Object.entries(spent)) {
      const { numAffectedRows } = await guarded(() =>
        sql`
          delete from ${sql.table(table)} where ctid in (
            select ctid from ${sql.table(table)} where ${sql.raw(condition)} limit ${most} for update skip locked)`.execute(
          this.#db,
        ),
      );
      touched = Math.max(touched, Number(numAffectedRows ?? 0n));
    }
    return touched;
  }

  /** A session that merely ran out ends like any other: a trigger tells its relying parties. */
  async #endSessions(most: number): Promise<number> {
    const { numAffectedRows } = await guarded(() =>
      sql`
        update sessions set ended_at = now(), end_reason = 'expired', id_hash = null where uid in (
          select uid from sessions where ended_at is null and user_id is not null and expires_at <= now()
          limit ${most} for update skip locked)`.execute(this.#db),
    );
    return Number(numAffectedRows ?? 0n);
  }
}
