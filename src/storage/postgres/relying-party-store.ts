import { sql, type Kysely, type Selectable } from 'kysely';
import { newId } from '../../crypto/random.ts';
import type { RelyingParty, RelyingPartyStore } from '../../relying-parties/relying-party-store.ts';
import type { Tables } from './tables.ts';
import type { RelyingPartiesTable } from './tables/provider.ts';

export class PostgresRelyingPartyStore implements RelyingPartyStore {
  readonly #db: Kysely<Tables>;

  constructor(db: Kysely<Tables>) {
    this.#db = db;
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

  async addSecret(clientId: string, secretHash: string): Promise<void> {
    await this.#db
      .insertInto('relying_party_secrets')
      .values({ id: newId(), client_id: clientId, secret_hash: secretHash })
      .execute();
  }

  async listSecretHashes(clientId: string): Promise<string[]> {
    const rows = await this.#db
      .selectFrom('relying_party_secrets')
      .select('secret_hash')
      .where('client_id', '=', clientId)
      .where((eb) => eb.or([eb('expires_at', 'is', null), eb('expires_at', '>', sql<Date>`now()`)]))
      .execute();
    return rows.map(({ secret_hash }) => secret_hash);
  }

  async replaceSecrets(clientId: string, secretHash: string): Promise<void> {
    await this.#db.deleteFrom('relying_party_secrets').where('client_id', '=', clientId).execute();
    await this.addSecret(clientId, secretHash);
  }
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
