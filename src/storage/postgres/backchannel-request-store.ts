import { sql, type Kysely, type Selectable } from 'kysely';
import type {
  BackchannelRequest,
  BackchannelRequestStore,
  NewBackchannelRequest,
} from '../../provider/backchannel-request-store.ts';
import type { Tables } from './tables.ts';
import type { BackchannelRequestsTable } from './tables/provider.ts';

export class PostgresBackchannelRequestStore implements BackchannelRequestStore {
  readonly #db: Kysely<Tables>;

  constructor(db: Kysely<Tables>) {
    this.#db = db;
  }

  async add(request: NewBackchannelRequest, lifetimeSeconds: number): Promise<void> {
    await this.#db
      .insertInto('backchannel_requests')
      .values({
        id: request.id,
        user_id: request.userId,
        client_id: request.clientId,
        binding_message: request.bindingMessage,
        scope: request.scope,
        resource: request.resource,
        request_sealed: request.requestSealed,
        expires_at: sql<Date>`now() + make_interval(secs => ${lifetimeSeconds})`,
      })
      .execute();
  }

  async listWaiting(userId: string): Promise<BackchannelRequest[]> {
    const rows = await this.#db
      .selectFrom('backchannel_requests')
      .selectAll()
      .where('user_id', '=', userId)
      .where('decided_at', 'is', null)
      .where('expires_at', '>', sql<Date>`now()`)
      .orderBy('created_at')
      .limit(20)
      .execute();
    return rows.map(toRequest);
  }

  async decide(userId: string, id: string, decision: 'approved' | 'refused'): Promise<BackchannelRequest | undefined> {
    const row = await this.#db
      .updateTable('backchannel_requests')
      .set({ decided_at: sql<Date>`now()`, decision })
      .where('id', '=', id)
      .where('user_id', '=', userId)
      .where('decided_at', 'is', null)
      .where('expires_at', '>', sql<Date>`now()`)
      .returningAll()
      .executeTakeFirst();
    return row && toRequest(row);
  }
}

function toRequest(row: Selectable<BackchannelRequestsTable>): BackchannelRequest {
  return {
    id: row.id,
    userId: row.user_id,
    clientId: row.client_id,
    bindingMessage: row.binding_message,
    scope: row.scope,
    resource: row.resource,
    requestSealed: row.request_sealed,
    createdAt: row.created_at,
    expiresAt: row.expires_at,
  };
}

/** What a row's request is bound to. */
export function backchannelRequestContext(id: string) {
  return { table: 'backchannel_requests', column: 'request_sealed', owner: '', row: id };
}
