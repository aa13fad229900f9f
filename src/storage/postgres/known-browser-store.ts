import { sql, type Kysely } from 'kysely';
import type { KnownBrowserStore } from '../../users/known-browser-store.ts';
import type { Tables } from './tables.ts';

const lifetime = sql<Date>`now() + interval '90 days'`;

export class PostgresKnownBrowserStore implements KnownBrowserStore {
  readonly #db: Kysely<Tables>;

  constructor(db: Kysely<Tables>) {
    this.#db = db;
  }

  async insert(tokenHash: string, userId: string, userAgent: string, byPasswordAlone = false): Promise<void> {
    await this.#db
      .insertInto('known_browsers')
      .values({
        token_hash: tokenHash,
        user_id: userId,
        user_agent: userAgent.slice(0, 300),
        expires_at: lifetime,
        by_password_alone: byPasswordAlone,
      })
      .onConflict((conflict) => conflict.doNothing())
      .execute();
  }

  async isKnown(tokenHash: string, userId: string, beyondPassword = false): Promise<boolean> {
    let query = this.#db
      .selectFrom('known_browsers')
      .select('user_id')
      .where('token_hash', '=', tokenHash)
      .where('user_id', '=', userId)
      .where('expires_at', '>', sql<Date>`now()`);
    if (beyondPassword) query = query.where('by_password_alone', '=', false);
    return (await query.executeTakeFirst()) !== undefined;
  }

  async renew(tokenHash: string, userId: string, byPasswordAlone = false): Promise<boolean> {
    const { numUpdatedRows } = await this.#db
      .updateTable('known_browsers')
      .set({
        last_used_at: sql`now()`,
        expires_at: lifetime,
        ...(byPasswordAlone ? {} : { by_password_alone: false }),
      })
      .where('token_hash', '=', tokenHash)
      .where('user_id', '=', userId)
      .where('expires_at', '>', sql<Date>`now()`)
      .executeTakeFirst();
    return numUpdatedRows > 0n;
  }

  async forgetAll(userId: string): Promise<void> {
    await this.#db.deleteFrom('known_browsers').where('user_id', '=', userId).execute();
  }
}
