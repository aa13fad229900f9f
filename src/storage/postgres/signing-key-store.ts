import { sql, type Kysely, type Selectable } from 'kysely';
import type { SigningAlgorithm, SigningKeyState } from '../../domain/signing-key.ts';
import type { NewSigningKey, SigningKeyStore, StoredSigningKey } from '../../provider/stores.ts';
import type { Tables } from './tables.ts';
import type { SigningKeysTable } from './tables/provider.ts';

export class PostgresSigningKeyStore implements SigningKeyStore {
  readonly #db: Kysely<Tables>;

  constructor(db: Kysely<Tables>) {
    this.#db = db;
  }

  async lock(): Promise<void> {
    await sql`select pg_advisory_xact_lock(hashtext('twofold signing keys'))`.execute(this.#db);
  }

  async list(): Promise<StoredSigningKey[]> {
    const rows = await this.#db
      .selectFrom('signing_keys')
      .selectAll()
      .orderBy('published_at', 'desc')
      .orderBy('kid')
      .execute();
    return rows.map(toKey);
  }

  async insert(key: NewSigningKey, state: 'published' | 'active', at: Date): Promise<void> {
    await this.#db
      .insertInto('signing_keys')
      .values({
        kid: key.kid,
        algorithm: key.algorithm,
        public_jwk: JSON.stringify(key.publicJwk),
        private_sealed: key.privateSealed,
        state,
        published_at: at,
        activated_at: state === 'active' ? at : null,
      })
      .execute();
  }

  async setState(kid: string, state: 'active' | 'retired' | 'revoked', at: Date): Promise<void> {
    const moment = { active: 'activated_at', retired: 'retired_at', revoked: 'revoked_at' } as const;
    await this.#db
      .updateTable('signing_keys')
      .set({ state, [moment[state]]: at })
      .where('kid', '=', kid)
      .execute();
  }

  async remove(kid: string): Promise<void> {
    await this.#db.deleteFrom('signing_keys').where('kid', '=', kid).execute();
  }
}

function toKey(row: Selectable<SigningKeysTable>): StoredSigningKey {
  return {
    kid: row.kid,
    algorithm: row.algorithm as SigningAlgorithm,
    state: row.state as SigningKeyState,
    publicJwk: row.public_jwk,
    privateSealed: row.private_sealed,
    publishedAt: row.published_at,
    activatedAt: row.activated_at,
    retiredAt: row.retired_at,
    revokedAt: row.revoked_at,
  };
}
