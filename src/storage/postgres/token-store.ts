import { sql, type Kysely } from 'kysely';
import type {
  FoundToken,
  ListedApplication,
  ListedConsent,
  ListedGrant,
  SavedGrant,
  TokenRecord,
  TokenStore,
} from '../../provider/stores.ts';
import { findToken } from './find-token.ts';
import { saveGrant, saveToken } from './issued-store.ts';
import { grantedNames, scopesOf, type GrantPayload } from './granted-scopes.ts';
import { notEnded } from './not-ended.ts';
import { statement } from './statement.ts';
import type { Tables } from './tables.ts';

const hasOfflineToken = (grantId: string) => sql<boolean>`exists (
  select from tokens t where t.grant_id = ${grantId} and t.kind = 'RefreshToken' and t.offline and t.expires_at > now())`;
const sessionLives = (uid: string) => sql<boolean>`exists (
  select from sessions s where s.uid = ${uid} and ${sql.raw(notEnded('s.ended_at'))} and s.expires_at > now())`;

/** A grant made by an exchange (RFC 8693) stands under the one it came from, and is dead when that is. */
const parentLives = sql<boolean>`(grants.payload->>'parent' is null or exists (
  select from grants p where p.id = grants.payload->>'parent' and p.expires_at > now()))`;

const consume = statement<{ readonly kind: string; readonly idHash: string }, unknown>`
  update tokens set consumed_at = clock_timestamp()
  where id_hash = ${'idHash'} and kind = ${'kind'} and consumed_at is null returning true as consumed`;

export class PostgresTokenStore implements TokenStore {
  readonly #db: Kysely<Tables>;

  constructor(db: Kysely<Tables>) {
    this.#db = db;
  }

  async saveGrant(grant: SavedGrant): Promise<void> {
    await saveGrant(this.#db, grant, !this.#db.isTransaction);
  }

  async findGrant(id: string): Promise<Record<string, unknown> | undefined> {
    const row = await this.#db
      .selectFrom('grants')
      .innerJoin('users', 'users.id', 'grants.user_id')
      .select('grants.payload')
      .where('grants.id', '=', id)
      .where('users.disabled_at', 'is', null)
      .where('grants.expires_at', '>', sql<Date>`now()`)
      .where(parentLives)
      .executeTakeFirst();
    return row?.payload;
  }

  async removeGrant(id: string): Promise<boolean> {
    const { numDeletedRows } = await this.#db.deleteFrom('grants').where('id', '=', id).executeTakeFirst();
    return numDeletedRows > 0n;
  }

  async removeGrantsOf(userId: string, clientId?: string): Promise<number> {
    let query = this.#db.deleteFrom('grants').where('user_id', '=', userId);
    if (clientId !== undefined) query = query.where('client_id', '=', clientId);
    const { numDeletedRows } = await query.executeTakeFirst();
    return Number(numDeletedRows);
  }

  async listGrants(userId: string, limit: number, after: string | undefined): Promise<ListedGrant[]> {
    const rows = await this.#db
      .selectFrom('grants')
      .select(['id', 'client_id', 'payload', 'created_at', 'expires_at'])
      .where('user_id', '=', userId)
      .where('expires_at', '>', sql<Date>`now()`)
      .$if(after !== undefined, (query) => query.where('id', '>', after ?? ''))
      .orderBy('id')
      .limit(limit)
      .execute();
    return rows.map((row) => ({
      id: row.id,
      clientId: row.client_id,
      scopes: scopesOf(row.payload),
      createdAt: row.created_at,
      expiresAt: row.expires_at,
    }));
  }

  async removeGrantOf(userId: string, grantId: string): Promise<boolean> {
    const { numDeletedRows } = await this.#db
      .deleteFrom('grants')
      .where('id', '=', grantId)
      .where('user_id', '=', userId)
      .executeTakeFirst();
    return numDeletedRows > 0n;
  }

  async removeClient(clientId: string): Promise<void> {
    await this.#db.deleteFrom('grants').where('client_id', '=', clientId).execute();
    await this.#db.deleteFrom('consents').where('client_id', '=', clientId).execute();
  }

  async removeSomeGrants(most: number): Promise<number> {
    const { numAffectedRows } = await sql`
      delete from grants where id in (select id from grants limit ${most} for update)`.execute(this.#db);
    return Number(numAffectedRows ?? 0n);
  }

  async save(token: TokenRecord, lifetimeSeconds: number): Promise<void> {
    // A refresh token that takes another's place must not be lost with it.
    const lossy = token.kind === 'AuthorizationCode' && !this.#db.isTransaction;
    await saveToken(this.#db, token, lifetimeSeconds, lossy);
  }

  async find(kind: string, idHash: string): Promise<FoundToken | undefined> {
    return findToken(this.#db, kind, idHash);
  }

  async consume(kind: string, idHash: string): Promise<boolean> {
    return (await consume(this.#db, { kind, idHash })).length > 0;
  }

  async setSuccessor(idHash: string, successorHash: string, successorSealed: string): Promise<void> {
    await this.#db
      .updateTable('tokens')
      .set({ successor_hash: successorHash, successor_sealed: successorSealed })
      .where('id_hash', '=', idHash)
      .execute();
  }

  async findUnusedSuccessor(idHash: string): Promise<string | undefined> {
    const row = await this.#db
      .selectFrom('tokens')
      .innerJoin('tokens as next', 'next.id_hash', 'tokens.successor_hash')
      .select('tokens.successor_sealed')
      .where('tokens.id_hash', '=', idHash)
      .where('next.consumed_at', 'is', null)
      .executeTakeFirst();
    return row?.successor_sealed ?? undefined;
  }

  async remove(kind: string, idHash: string): Promise<void> {
    await this.#db.deleteFrom('tokens').where('id_hash', '=', idHash).where('kind', '=', kind).execute();
  }

  async removeByGrant(kind: string, grantId: string): Promise<void> {
    await this.#db.deleteFrom('tokens').where('grant_id', '=', grantId).where('kind', '=', kind).execute();
  }

  async isLive(grantId: string, sessionUid: string | null, offline: boolean): Promise<boolean> {
    const row = await this.#db
      .selectFrom('grants')
      .innerJoin('users', 'users.id', 'grants.user_id')
      .select('grants.id')
      .where('grants.id', '=', grantId)
      .where('users.disabled_at', 'is', null)
      .where(parentLives)
      .where((eb) =>
        offline || sessionUid === null
          ? eb.val(true)
          : // A token for an API names no offline_access, though its client may have it.
            eb.or([sessionLives(sessionUid), hasOfflineToken(grantId)]),
      )
      .executeTakeFirst();
    return row !== undefined;
  }

  async readConsent(userId: string, clientId: string): Promise<readonly string[]> {
    const consents = this.#db.selectFrom('consents').select('scopes').where('user_id', '=', userId);
    return (await consents.where('client_id', '=', clientId).executeTakeFirst())?.scopes ?? [];
  }

  async saveConsent(userId: string, clientId: string, scopes: readonly string[]): Promise<void> {
    await this.#db
      .insertInto('consents')
      .values({ user_id: userId, client_id: clientId, scopes: [...scopes] })
      .onConflict((conflict) =>
        conflict.columns(['user_id', 'client_id']).doUpdateSet({ scopes: [...scopes], updated_at: sql`now()` }),
      )
      .execute();
  }

  async listConsents(userId: string): Promise<ListedConsent[]> {
    const rows = await this.#db
      .selectFrom('consents')
      .select(['client_id', 'scopes', 'updated_at'])
      .where('user_id', '=', userId)
      .orderBy('client_id')
      .execute();
    return rows.map((row) => ({ clientId: row.client_id, scopes: row.scopes, allowedAt: row.updated_at }));
  }

  async listApplications(userId: string): Promise<ListedApplication[]> {
    const { rows } = await sql<ApplicationRow>`
      select client_id, coalesce(c.scopes, '{}') as scopes, coalesce(c.updated_at, g.created_at) as allowed_at,
        g.last_used_at, coalesce(g.payloads, '[]') as payloads
      from (select client_id, scopes, updated_at from consents where user_id = ${userId}) c
      full join (
        select client_id, min(created_at) as created_at, max(last_used_at) as last_used_at,
          jsonb_agg(payload) as payloads
        from grants where user_id = ${userId} and expires_at > now() group by client_id
      ) g using (client_id)
      order by client_id`.execute(this.#db);
    return rows.map((row) => ({
      clientId: row.client_id,
      scopes: [...new Set([...row.scopes, ...row.payloads.flatMap(grantedNames)])],
      allowedAt: row.allowed_at,
      lastUsedAt: row.last_used_at,
    }));
  }

  async removeConsent(userId: string, clientId: string): Promise<boolean> {
    const { numDeletedRows } = await this.#db
      .deleteFrom('consents')
      .where('user_id', '=', userId)
      .where('client_id', '=', clientId)
      .executeTakeFirst();
    const grants = await this.removeGrantsOf(userId, clientId);
    return numDeletedRows > 0n || grants > 0;
  }
}

interface ApplicationRow {
  readonly client_id: string;
  readonly scopes: readonly string[];
  readonly allowed_at: Date;
  readonly last_used_at: Date | null;
  readonly payloads: readonly GrantPayload[];
}
