import { sql, type Kysely } from 'kysely';
import type { Link, LinkPurpose, LinkStore } from '../../users/link-store.ts';
import type { Tables } from './tables.ts';

export class PostgresLinkStore implements LinkStore {
  readonly #db: Kysely<Tables>;

  constructor(db: Kysely<Tables>) {
    this.#db = db;
  }

  async issue(tokenHash: string, link: Link, lifetimeSeconds: number): Promise<void> {
    await this.#db
      .insertInto('links')
      .values({
        token_hash: tokenHash,
        purpose: link.purpose,
        user_id: link.userId,
        details: JSON.stringify(link.details ?? {}),
        expires_at: sql<Date>`now() + make_interval(secs => ${lifetimeSeconds})`,
      })
      .execute();
  }

  async peek(tokenHash: string, purposes: readonly LinkPurpose[]): Promise<Link | undefined> {
    const row = await this.#db
      .selectFrom('links')
      .select(['purpose', 'user_id', 'details'])
      .where('token_hash', '=', tokenHash)
      .where('purpose', 'in', purposes)
      .where('used_at', 'is', null)
      .where('expires_at', '>', sql<Date>`now()`)
      .executeTakeFirst();
    return row && toLink(row);
  }

  async use(tokenHash: string, purposes: readonly LinkPurpose[]): Promise<Link | undefined> {
    const row = await this.#db
      .updateTable('links')
      .set({ used_at: sql`now()` })
      .where('token_hash', '=', tokenHash)
      .where('purpose', 'in', purposes)
      .where('used_at', 'is', null)
      .where('expires_at', '>', sql<Date>`now()`)
      .returning(['purpose', 'user_id', 'details'])
      .executeTakeFirst();
    return row && toLink(row);
  }

  async findOpen(userId: string, purpose: LinkPurpose): Promise<Link | undefined> {
    const row = await this.#db
      .selectFrom('links')
      .select(['purpose', 'user_id', 'details'])
      .where('user_id', '=', userId)
      .where('purpose', '=', purpose)
      .where('used_at', 'is', null)
      .where('expires_at', '>', sql<Date>`now()`)
      .orderBy('created_at', 'desc')
      .limit(1)
      .executeTakeFirst();
    return row && toLink(row);
  }

  async voidAll(userId: string): Promise<void> {
    await this.#db
      .updateTable('links')
      .set({ used_at: sql`now()` })
      .where('user_id', '=', userId)
      .where('used_at', 'is', null)
      .execute();
  }

  async voidOf(userId: string, purpose: LinkPurpose): Promise<void> {
    await this.#db
      .updateTable('links')
      .set({ used_at: sql`now()` })
      .where('user_id', '=', userId)
      .where('purpose', '=', purpose)
      .where('used_at', 'is', null)
      .execute();
  }

  async voidPurpose(purpose: LinkPurpose): Promise<void> {
    await this.#db
      .updateTable('links')
      .set({ used_at: sql`now()` })
      .where('purpose', '=', purpose)
      .where('used_at', 'is', null)
      .execute();
  }
}

function toLink(row: { purpose: string; user_id: string | null; details: Record<string, unknown> }): Link {
  const details = Object.fromEntries(Object.entries(row.details).map(([name, value]) => [name, String(value)]));
  return { purpose: row.purpose as LinkPurpose, userId: row.user_id, details };
}
