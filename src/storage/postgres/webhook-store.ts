import { sql, type Kysely, type Selectable } from 'kysely';
import { newId } from '../../crypto/random.ts';
import type {
  EventSinks,
  NewWebhook,
  Webhook,
  WebhookAttempt,
  WebhookChange,
  WebhookMessage,
  WebhookStore,
} from '../../notifications/webhook-store.ts';
import type { WebhooksTable } from './tables/notifications.ts';
import type { Tables } from './tables.ts';

export class PostgresWebhookStore implements WebhookStore {
  readonly #db: Kysely<Tables>;

  constructor(db: Kysely<Tables>) {
    this.#db = db;
  }

  async list(): Promise<Webhook[]> {
    return (await this.#db.selectFrom('webhooks').selectAll().orderBy('created_at').orderBy('id').execute()).map(
      toWebhook,
    );
  }

  async find(id: string): Promise<Webhook | undefined> {
    const row = await this.#db.selectFrom('webhooks').selectAll().where('id', '=', id).executeTakeFirst();
    return row && toWebhook(row);
  }

  async lock(id: string): Promise<Webhook | undefined> {
    const query = this.#db.selectFrom('webhooks').selectAll().where('id', '=', id).forUpdate();
    const row = await query.executeTakeFirst();
    return row && toWebhook(row);
  }

  async insert({ id, url, description, eventTypes, secretSealed }: NewWebhook): Promise<Webhook> {
    const row = await this.#db
      .insertInto('webhooks')
      .values({ id, url, description, event_types: [...eventTypes], secret_sealed: secretSealed })
      .returningAll()
      .executeTakeFirstOrThrow();
    return toWebhook(row);
  }

  async change(id: string, { url, description, eventTypes, enabled }: WebhookChange): Promise<Webhook> {
    const row = await this.#db
      .updateTable('webhooks')
      .set({
        ...(url !== undefined && { url }),
        ...(description !== undefined && { description }),
        ...(eventTypes !== undefined && { event_types: [...eventTypes] }),
        ...(enabled !== undefined && { disabled_at: enabled ? null : sql<Date>`coalesce(disabled_at, now())` }),
        updated_at: sql`now()`,
        version: sql`version + 1`,
      })
      .where('id', '=', id)
      .returningAll()
      .executeTakeFirstOrThrow();
    return toWebhook(row);
  }

  async replaceSecret(id: string, sealed: string, previousSealed: string, previousSeconds: number): Promise<Webhook> {
    const row = await this.#db
      .updateTable('webhooks')
      .set({
        secret_sealed: sealed,
        previous_secret_sealed: previousSealed,
        previous_until: sql<Date>`now() + make_interval(secs => ${previousSeconds})`,
        updated_at: sql`now()`,
        version: sql`version + 1`,
      })
      .where('id', '=', id)
      .returningAll()
      .executeTakeFirstOrThrow();
    return toWebhook(row);
  }

  async remove(id: string): Promise<void> {
    await this.#db.deleteFrom('outbox').where('webhook_id', '=', id).execute();
    await this.#db.deleteFrom('webhooks').where('id', '=', id).execute();
  }

  async enqueueTest(webhookId: string): Promise<string> {
    const id = newId();
    const payload = JSON.stringify({ test: true });
    await this.#db
      .insertInto('outbox')
      .values({ id, channel: 'webhook', kind: 'webhook.test', webhook_id: webhookId, payload })
      .execute();
    return id;
  }

  async listMessages(webhookId: string, limit: number, after: string | undefined): Promise<WebhookMessage[]> {
    let query = this.#db
      .selectFrom('outbox')
      .selectAll()
      .where('webhook_id', '=', webhookId)
      .orderBy('created_at', 'desc')
      .orderBy('id', 'desc')
      .limit(limit);
    if (after !== undefined) {
      query = query.where(
        sql<boolean>`(created_at, id) < (select created_at, id from outbox where id = ${after}::uuid)`,
      );
    }
    const rows = await query.execute();
    const attempts = await this.#attemptsOf(rows.map(({ id }) => id));
    return rows.map((row) => {
      const state = row.delivered_at !== null ? 'delivered' : row.failed_at !== null ? 'failed' : 'waiting';
      return {
        id: row.id,
        type: row.kind,
        event: typeof row.payload['event'] === 'string' ? row.payload['event'] : null,
        state,
        createdAt: row.created_at,
        nextTryAt: state === 'waiting' ? row.next_try_at : null,
        attempts: attempts.get(row.id) ?? [],
      };
    });
  }

  async #attemptsOf(ids: readonly string[]): Promise<Map<string, WebhookAttempt[]>> {
    if (ids.length === 0) return new Map();
    const rows = await this.#db
      .selectFrom('outbox_attempts')
      .selectAll()
      .where('outbox_id', 'in', [...ids])
      .orderBy('number')
      .execute();
    const grouped = Map.groupBy(rows, ({ outbox_id: id }) => id);
    return new Map(
      [...grouped].map(([id, of]) => [id, of.map(({ number, at, status, error }) => ({ number, at, status, error }))]),
    );
  }
}

/** Turns events into messages, one statement for all of them. */
export class PostgresEventSinks implements EventSinks {
  readonly #db: Kysely<Tables>;
  readonly #neverToWebhooks: readonly string[];

  constructor(db: Kysely<Tables>, neverToWebhooks: readonly string[]) {
    this.#db = db;
    this.#neverToWebhooks = neverToWebhooks;
  }

  async enqueue(events: readonly { readonly id: string; readonly type: string }[], toSyslog: boolean): Promise<void> {
    // Names alone are kept here, so that who is erased from the record is gone from what waits, too.
    await sql`
      with events as (
        select * from unnest(${events.map(({ id }) => id)}::text[], ${events.map(({ type }) => type)}::text[])
          as e (id, type))
      insert into outbox (channel, kind, webhook_id, payload)
      select 'webhook', e.type, w.id, jsonb_build_object('event', e.id)
      from events e join webhooks w on w.disabled_at is null and e.type <> all (${[...this.#neverToWebhooks]}::text[])
        and w.event_types && array['*', split_part(e.type, '.', 1) || '.*', e.type]
      union all
      select 'syslog', e.type, null, jsonb_build_object('event', e.id) from events e where ${toSyslog}::boolean`.execute(
      this.#db,
    );
  }
}

function toWebhook(row: Selectable<WebhooksTable>): Webhook {
  return {
    id: row.id,
    url: row.url,
    description: row.description,
    eventTypes: row.event_types,
    secretSealed: row.secret_sealed,
    previousSecretSealed: row.previous_secret_sealed,
    previousUntil: row.previous_until,
    disabledAt: row.disabled_at,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
    version: row.version,
  };
}
