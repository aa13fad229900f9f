import type { Kysely, Selectable } from 'kysely';
import type {
  NewTrustedBrowser,
  TrustedBrowser,
  TrustedBrowserStore,
} from '../../second-factor/trusted-browser-store.ts';
import type { TrustedBrowsersTable } from './tables/policies.ts';
import type { Tables } from './tables.ts';

export class PostgresTrustedBrowserStore implements TrustedBrowserStore {
  readonly #db: Kysely<Tables>;

  constructor(db: Kysely<Tables>) {
    this.#db = db;
  }

  async insert(browser: NewTrustedBrowser): Promise<void> {
    await this.#db
      .insertInto('trusted_browsers')
      .values({
        id: browser.id,
        token_hash: browser.tokenHash,
        user_id: browser.userId,
        client_id: browser.clientId,
        user_agent: browser.userAgent.slice(0, 300),
        address: browser.address,
        trusted_at: browser.trustedAt,
        expires_at: browser.expiresAt,
      })
      .execute();
  }

  async find(tokenHash: string, userId: string, now: Date): Promise<TrustedBrowser | undefined> {
    const row = await this.#live(userId, now).where('token_hash', '=', tokenHash).executeTakeFirst();
    return row && toBrowser(row);
  }

  async markUsed(id: string, now: Date): Promise<void> {
    await this.#db.updateTable('trusted_browsers').set({ last_used_at: now }).where('id', '=', id).execute();
  }

  async list(userId: string, now: Date): Promise<TrustedBrowser[]> {
    const rows = await this.#live(userId, now).orderBy('trusted_at', 'desc').limit(200).execute();
    return rows.map(toBrowser);
  }

  async remove(userId: string, id: string): Promise<boolean> {
    const { numDeletedRows } = await this.#db
      .deleteFrom('trusted_browsers')
      .where('user_id', '=', userId)
      .where('id', '=', id)
      .executeTakeFirst();
    return numDeletedRows > 0n;
  }

  async removeAll(userId: string): Promise<number> {
    const { numDeletedRows } = await this.#db
      .deleteFrom('trusted_browsers')
      .where('user_id', '=', userId)
      .executeTakeFirst();
    return Number(numDeletedRows);
  }

  #live(userId: string, now: Date) {
    return this.#db
      .selectFrom('trusted_browsers')
      .selectAll()
      .where('user_id', '=', userId)
      .where('expires_at', '>', now);
  }
}

function toBrowser(row: Selectable<TrustedBrowsersTable>): TrustedBrowser {
  return {
    id: row.id,
    clientId: row.client_id,
    userAgent: row.user_agent,
    address: row.address,
    trustedAt: row.trusted_at,
    lastUsedAt: row.last_used_at,
    expiresAt: row.expires_at,
  };
}
