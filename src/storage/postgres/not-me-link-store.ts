import { sql, type Kysely } from 'kysely';
import { undoHours } from '../../domain/notice.ts';
import type { NotMeLinkStore } from '../../users/not-me-link-store.ts';
import type { Tables } from './tables.ts';

export class PostgresNotMeLinkStore implements NotMeLinkStore {
  readonly #db: Kysely<Tables>;

  constructor(db: Kysely<Tables>) {
    this.#db = db;
  }

  async issue(tokenHash: string, userId: string): Promise<void> {
    await this.#db
      .insertInto('not_me_links')
      .values({
        token_hash: tokenHash,
        user_id: userId,
        expires_at: sql<Date>`now() + make_interval(hours => ${undoHours})`,
      })
      .execute();
  }

  async peek(tokenHash: string): Promise<string | undefined> {
    const row = await this.#db
      .selectFrom('not_me_links')
      .select('user_id')
      .where('token_hash', '=', tokenHash)
      .where('used_at', 'is', null)
      .where('expires_at', '>', sql<Date>`now()`)
      .executeTakeFirst();
    return row?.user_id;
  }

  async use(tokenHash: string): Promise<{ userId: string; since: Date } | undefined> {
    // The sub-select sees the rows as they stood before this statement: earlier uses, not this one.
    const { rows } = await sql<{ user_id: string; since: Date }>`
      with link as (
        update not_me_links set used_at = now()
        where token_hash = ${tokenHash} and used_at is null and expires_at > now()
        returning user_id
      )
      select link.user_id, greatest(now() - make_interval(hours => ${undoHours}),
        (select max(n.used_at) from not_me_links n where n.user_id = link.user_id)) as since
      from link`.execute(this.#db);
    const row = rows[0];
    if (row === undefined) return undefined;
    await this.#db
      .updateTable('not_me_links')
      .set({ used_at: sql`now()` })
      .where('user_id', '=', row.user_id)
      .where('used_at', 'is', null)
      .execute();
    return { userId: row.user_id, since: row.since };
  }
}
