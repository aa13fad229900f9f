import { sql, type Kysely } from 'kysely';
import type { SigningKeyStore, StoredSigningKey } from '../../provider/stores.ts';
import type { Tables } from './tables.ts';

export class PostgresSigningKeyStore implements SigningKeyStore {
  readonly #db: Kysely<Tables>;

  constructor(db: Kysely<Tables>) {
    this.#db = db;
  }

  async list(): Promise<StoredSigningKey[]> {
    const rows = await this.#db
      .selectFrom('signing_keys')
      .selectAll()
      .where('retired_at', 'is', null)
      .orderBy('created_at', 'desc')
      .execute();
    return rows.map((row) => ({
      kid: row.kid,
      algorithm: row.algorithm,
      publicJwk: row.public_jwk,
      privateSealed: row.private_sealed,
    }));
  }

  async insertFirst(key: StoredSigningKey): Promise<boolean> {
    return this.#db.transaction().execute(async (transaction) => {
      await sql`select pg_advisory_xact_lock(hashtext('twofold signing keys'))`.execute(transaction);
      const existing = await transaction
        .selectFrom('signing_keys')
        .select('kid')
        .where('algorithm', '=', key.algorithm)
        .where('retired_at', 'is', null)
        .executeTakeFirst();
      if (existing !== undefined) return false;
      await transaction
        .insertInto('signing_keys')
        .values({
          kid: key.kid,
          algorithm: key.algorithm,
          public_jwk: JSON.stringify(key.publicJwk),
          private_sealed: key.privateSealed,
        })
        .execute();
      return true;
    });
  }
}
