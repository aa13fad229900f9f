import { sql, type Kysely } from 'kysely';
import type { KnownBrowserStore } from '../../users/known-browser-store.ts';
import { statement, verbatim } from './statement.ts';
import type { Tables } from './tables.ts';

interface BrowserArguments {
  readonly tokenHash: string;
  readonly userId: string;
  readonly byPasswordAlone: boolean;
}

const lifetime = verbatim(`now() + interval '90 days'`);
const insert = statement<BrowserArguments & { readonly userAgent: string }, never>`
  insert into known_browsers (token_hash, user_id, user_agent, expires_at, by_password_alone)
  values (${'tokenHash'}, ${'userId'}, ${'userAgent'}, ${lifetime}, ${'byPasswordAlone'})
  on conflict do nothing`;
const renew = statement<BrowserArguments, unknown>`
  update known_browsers set last_used_at = now(), expires_at = ${lifetime},
    by_password_alone = by_password_alone and ${'byPasswordAlone'}
  where token_hash = ${'tokenHash'} and user_id = ${'userId'} and expires_at > now() returning true as renewed`;

export class PostgresKnownBrowserStore implements KnownBrowserStore {
  readonly #db: Kysely<Tables>;

  constructor(db: Kysely<Tables>) {
    this.#db = db;
  }

  async insert(tokenHash: string, userId: string, userAgent: string, byPasswordAlone = false): Promise<void> {
    await insert(this.#db, { tokenHash, userId, userAgent: userAgent.slice(0, 300), byPasswordAlone });
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
    return (await renew(this.#db, { tokenHash, userId, byPasswordAlone })).length > 0;
  }

  async forgetAll(userId: string): Promise<void> {
    await this.#db.deleteFrom('known_browsers').where('user_id', '=', userId).execute();
  }
}
