import { sql, type Kysely, type RawBuilder, type Selectable } from 'kysely';
import { newId } from '../../crypto/random.ts';
import type { SecretBox, SecretContext } from '../../crypto/secret-box.ts';
import type { SecretToStore } from '../../relying-parties/client-secrets.ts';
import type {
  ListedSecret,
  LiveSecret,
  RelyingParty,
  RelyingPartyStore,
  StoredRelyingParty,
} from '../../relying-parties/relying-party-store.ts';
import type { Tables } from './tables.ts';
import { isUuid } from './user-store.ts';
import type { RelyingPartiesTable } from './tables/provider.ts';

export class PostgresRelyingPartyStore implements RelyingPartyStore {
  readonly #db: Kysely<Tables>;
  readonly #box: SecretBox;

  constructor(db: Kysely<Tables>, box: SecretBox) {
    this.#db = db;
    this.#box = box;
  }

  async find(clientId: string): Promise<RelyingParty | undefined> {
    const row = await this.#db
      .selectFrom('relying_parties')
      .selectAll()
      .where('client_id', '=', clientId)
      .executeTakeFirst();
    return row && toRelyingParty(row);
  }

  async list(): Promise<RelyingParty[]> {
    const rows = await this.#db.selectFrom('relying_parties').selectAll().orderBy('client_id').execute();
    return rows.map(toRelyingParty);
  }

  async put(relyingParty: RelyingParty): Promise<'created' | 'changed'> {
    const { rows } = await sql<{ created: boolean }>`
      insert into relying_parties as r (client_id, metadata, first_party, require_pkce, acr_values)
      values (${relyingParty.clientId}, ${JSON.stringify(relyingParty.metadata)}::jsonb, ${relyingParty.firstParty},
        ${relyingParty.requirePkce}, ${[...relyingParty.acrValues]})
      on conflict (client_id) do update set metadata = excluded.metadata, first_party = excluded.first_party,
        require_pkce = excluded.require_pkce, acr_values = excluded.acr_values, updated_at = now(),
        version = r.version + 1
      returning (xmax = 0) as created`.execute(this.#db);
    return rows[0]?.created === true ? 'created' : 'changed';
  }

  async remove(clientId: string): Promise<boolean> {
    const { numDeletedRows } = await this.#db
      .deleteFrom('relying_parties')
      .where('client_id', '=', clientId)
      .executeTakeFirst();
    return numDeletedRows > 0n;
  }

  async lock(clientId: string): Promise<StoredRelyingParty | undefined> {
    const row = await this.#db
      .selectFrom('relying_parties')
      .selectAll()
      .where('client_id', '=', clientId)
      .forUpdate()
      .executeTakeFirst();
    return row && toStored(row);
  }

  async read(clientId: string): Promise<StoredRelyingParty | undefined> {
    const row = await this.#db
      .selectFrom('relying_parties')
      .selectAll()
      .where('client_id', '=', clientId)
      .executeTakeFirst();
    return row && toStored(row);
  }

  async page(query: string | undefined, limit: number, after: string | undefined): Promise<StoredRelyingParty[]> {
    const from = after === undefined ? sql`true` : sql`client_id collate "C" > ${after}`;
    const { rows } = await sql<Selectable<RelyingPartiesTable>>`
      select * from relying_parties where ${beginsWith(query)} and ${from}
      order by client_id collate "C" limit ${limit}`.execute(this.#db);
    return rows.map(toStored);
  }

  async count(query: string | undefined): Promise<number> {
    const { rows } = await sql<{ count: string }>`
      select count(*) as count from relying_parties where ${beginsWith(query)}`.execute(this.#db);
    return Number(rows[0]?.count ?? 0);
  }

  async addSecret(clientId: string, { hash, kept }: SecretToStore): Promise<string> {
    const id = newId();
    const sealed = kept === undefined ? null : this.#box.seal(Buffer.from(kept), clientSecretContext(id, clientId));
    await this.#db
      .insertInto('relying_party_secrets')
      .values({ id, client_id: clientId, secret_hash: hash, secret_sealed: sealed })
      .execute();
    return id;
  }

  async listSecrets(clientId: string): Promise<ListedSecret[]> {
    const rows = await this.#db
      .selectFrom('relying_party_secrets')
      .select(['id', 'created_at', 'expires_at'])
      .where('client_id', '=', clientId)
      .where((eb) => eb.or([eb('expires_at', 'is', null), eb('expires_at', '>', sql<Date>`now()`)]))
      .orderBy('created_at')
      .orderBy('id')
      .execute();
    return rows.map((row) => ({ id: row.id, createdAt: row.created_at, expiresAt: row.expires_at }));
  }

  async removeSecret(clientId: string, secretId: string): Promise<boolean> {
    if (!isUuid(secretId)) return false;
    const { numDeletedRows } = await this.#db
      .deleteFrom('relying_party_secrets')
      .where('client_id', '=', clientId)
      .where('id', '=', secretId)
      .executeTakeFirst();
    return numDeletedRows > 0n;
  }

  async expireOtherSecrets(clientId: string, exceptId: string, seconds: number): Promise<void> {
    await sql`
      update relying_party_secrets
      set expires_at = least(expires_at, now() + make_interval(secs => ${seconds}))
      where client_id = ${clientId} and id <> ${exceptId}`.execute(this.#db);
  }

  async listSecretHashes(clientId: string): Promise<string[]> {
    return (await this.listLiveSecrets(clientId)).map(({ hash }) => hash);
  }

  async listLiveSecrets(clientId: string): Promise<LiveSecret[]> {
    const { rows } = await sql<LiveSecret>`
      select secret_hash as "hash",
        extract(epoch from expires_at - clock_timestamp())::double precision as "secondsLeft"
      from relying_party_secrets
      where client_id = ${clientId} and (expires_at is null or expires_at > now())`.execute(this.#db);
    return rows;
  }

  async listKeptSecrets(clientId: string): Promise<string[]> {
    const rows = await this.#db
      .selectFrom('relying_party_secrets')
      .select(['id', 'secret_sealed'])
      .where('client_id', '=', clientId)
      .where('secret_sealed', 'is not', null)
      .where((eb) => eb.or([eb('expires_at', 'is', null), eb('expires_at', '>', sql<Date>`now()`)]))
      .execute();
    return rows.map(({ id, secret_sealed: sealed }) =>
      this.#box.open(sealed ?? '', clientSecretContext(id, clientId)).toString('utf8'),
    );
  }

  async replaceSecrets(clientId: string, secret: SecretToStore): Promise<void> {
    await this.#db.deleteFrom('relying_party_secrets').where('client_id', '=', clientId).execute();
    await this.addSecret(clientId, secret);
  }
}

/** What a kept secret is bound to: a copy into another client's row does not open. */
export function clientSecretContext(id: string, clientId: string): SecretContext {
  return { table: 'relying_party_secrets', column: 'secret_sealed', owner: clientId, row: id };
}

function beginsWith(query: string | undefined): RawBuilder<unknown> {
  if (query === undefined || query === '') return sql`true`;
  const beginning = `${query.toLowerCase().replaceAll(/[\\%_]/g, (sign) => `\\${sign}`)}%`;
  return sql`(lower(client_id) like ${beginning} or lower(metadata ->> 'client_name') like ${beginning})`;
}

function toStored(row: Selectable<RelyingPartiesTable>): StoredRelyingParty {
  const { created_at: createdAt, updated_at: updatedAt, version } = row;
  return { ...toRelyingParty(row), createdAt, updatedAt, version };
}

function toRelyingParty(row: Selectable<RelyingPartiesTable>): RelyingParty {
  return {
    clientId: row.client_id,
    metadata: row.metadata,
    firstParty: row.first_party,
    requirePkce: row.require_pkce,
    acrValues: row.acr_values,
  };
}
