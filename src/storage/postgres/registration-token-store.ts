import { sql, type Kysely } from 'kysely';
import type { RegistrationTokenStore } from '../../relying-parties/registration-token-store.ts';
import type { Tables } from './tables.ts';

export class PostgresRegistrationTokenStore implements RegistrationTokenStore {
  readonly #db: Kysely<Tables>;

  constructor(db: Kysely<Tables>) {
    this.#db = db;
  }

  async addInitial(id: string, tokenHash: string, uses: number, lifetimeSeconds: number): Promise<void> {
    // Nothing else looks at those that are over: each new one clears them away.
    await sql`delete from initial_access_tokens where expires_at < now()`.execute(this.#db);
    await sql`
      insert into initial_access_tokens (id, token_hash, uses_left, expires_at)
      values (${id}, ${tokenHash}, ${uses}, now() + make_interval(secs => ${lifetimeSeconds}))`.execute(this.#db);
  }

  async spendInitial(tokenHash: string): Promise<string | undefined> {
    const { rows } = await sql<{ id: string }>`
      update initial_access_tokens set uses_left = uses_left - 1
      where token_hash = ${tokenHash} and uses_left > 0 and expires_at > now()
      returning id`.execute(this.#db);
    return rows[0]?.id;
  }

  async setOwn(clientId: string, tokenHash: string): Promise<void> {
    await this.#db
      .insertInto('registration_access_tokens')
      .values({ client_id: clientId, token_hash: tokenHash })
      .execute();
  }

  async findOwner(tokenHash: string): Promise<string | undefined> {
    const row = await this.#db
      .selectFrom('registration_access_tokens')
      .select('client_id')
      .where('token_hash', '=', tokenHash)
      .forUpdate()
      .executeTakeFirst();
    return row?.client_id;
  }
}
