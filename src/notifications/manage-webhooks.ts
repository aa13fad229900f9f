import type { AuditLog } from '../audit/audit-log.ts';
import { newBytes, newId } from '../crypto/random.ts';
import type { SecretBox, SecretContext } from '../crypto/secret-box.ts';
import { auditEventTypes, type AuditEventType, type RequestContext } from '../domain/audit-event.ts';
import { Conflict, InvalidInput, NotFound } from '../errors.ts';
import type { InTransaction } from '../transaction.ts';
import { OutboundRefused, type Outbound } from './outbound.ts';
import { writeWebhookSecret } from './webhook-signature.ts';
import type { Webhook, WebhookChange, WebhookMessage, WebhookStore } from './webhook-store.ts';

export interface WebhookStores {
  readonly webhooks: WebhookStore;
  readonly audit: AuditLog;
}

export interface ManageWebhooksDependencies {
  readonly inTransaction: InTransaction<WebhookStores>;
  readonly secretBox: SecretBox;
  readonly outbound: Pick<Outbound, 'check'>;
}

export interface NewWebhookRequest {
  readonly url: string;
  readonly description?: string | undefined;
  readonly eventTypes: readonly string[];
}

export interface WebhookWithSecret {
  readonly webhook: Webhook;
  /** Shown this once. */
  readonly secret: string;
}

/** Each event makes a message for each of them. */
const mostWebhooks = 20;
const keyBytes = 32;
/** How long a replaced secret signs too, where nobody says otherwise. */
export const previousSecretSeconds = 86_400;

/** The service's own refusal to go somewhere is told to no webhook: the one refused would be told of it for ever. */
export const neverSentTypes: readonly AuditEventType[] = ['outbound.refused'];

/** What operators do with webhooks. Each throws `NotFound` where there is no such one, `InvalidInput` by field. */
export function createManageWebhooks({ inTransaction, secretBox, outbound }: ManageWebhooksDependencies) {
  const checkedUrl = (text: string): string => {
    try {
      if (!URL.canParse(text) || text.length > 2000) throw new InvalidInput('url', 'this is no address');
      outbound.check(text);
      return text;
    } catch (error) {
      if (!(error instanceof OutboundRefused)) throw error;
      throw new InvalidInput('url', 'use https and a public address (or one of TWOFOLD_OUTBOUND_ALLOWED)');
    }
  };
  return {
    list: (): Promise<Webhook[]> => inTransaction(({ webhooks }) => webhooks.list()),

    find: (id: string): Promise<Webhook> => inTransaction(async ({ webhooks }) => there(await webhooks.find(id))),

    /** Throws `Conflict` (`too_many_webhooks`). */
    add: async (request: NewWebhookRequest, actor: string, context: RequestContext): Promise<WebhookWithSecret> => {
      const { url, description = '', eventTypes } = request;
      const wanted = { url: checkedUrl(url), description, eventTypes: checkedTypes(eventTypes) };
      const id = newId();
      const key = newBytes(keyBytes);
      return inTransaction(async ({ webhooks, audit }) => {
        if ((await webhooks.list()).length >= mostWebhooks) {
          throw new Conflict('too_many_webhooks', `there are ${mostWebhooks} webhooks already`);
        }
        const webhook = await webhooks.insert({
          id,
          ...wanted,
          secretSealed: secretBox.seal(key, webhookSecretContext(id, 'secret_sealed')),
        });
        const details = { webhook: id, host: new URL(url).host };
        await audit.record({ type: 'webhook.created', actor, target: '', result: 'success', details, context });
        return { webhook, secret: writeWebhookSecret(key) };
      });
    },

    change: async (
      id: string,
      change: WebhookChange,
      actor: string,
      context: RequestContext,
      expectedVersion?: number,
    ): Promise<Webhook> => {
      if (change.url !== undefined) checkedUrl(change.url);
      if (change.eventTypes !== undefined) checkedTypes(change.eventTypes);
      return inTransaction(async ({ webhooks, audit }) => {
        checkVersion(there(await webhooks.lock(id)), expectedVersion);
        const webhook = await webhooks.change(id, change);
        const details = { webhook: id, fields: Object.keys(change).join(' ') };
        await audit.record({ type: 'webhook.changed', actor, target: '', result: 'success', details, context });
        return webhook;
      });
    },

    /** The secret before it signs too for `previousSeconds`, so that the receiver has time to learn the new one. */
    rotateSecret: (
      id: string,
      previousSeconds: number,
      actor: string,
      context: RequestContext,
    ): Promise<WebhookWithSecret> => {
      const key = newBytes(keyBytes);
      return inTransaction(async ({ webhooks, audit }) => {
        const before = there(await webhooks.lock(id));
        const previous = secretBox.open(before.secretSealed, webhookSecretContext(id, 'secret_sealed'));
        const webhook = await webhooks.replaceSecret(
          id,
          secretBox.seal(key, webhookSecretContext(id, 'secret_sealed')),
          secretBox.seal(previous, webhookSecretContext(id, 'previous_secret_sealed')),
          previousSeconds,
        );
        const details = { webhook: id, fields: 'secret' };
        await audit.record({ type: 'webhook.changed', actor, target: '', result: 'success', details, context });
        return { webhook, secret: writeWebhookSecret(key) };
      });
    },

    remove: (id: string, actor: string, context: RequestContext, expectedVersion?: number): Promise<void> =>
      inTransaction(async ({ webhooks, audit }) => {
        checkVersion(there(await webhooks.lock(id)), expectedVersion);
        await webhooks.remove(id);
        const details = { webhook: id };
        await audit.record({ type: 'webhook.deleted', actor, target: '', result: 'success', details, context });
      }),

    /** Sends a message that tells of no event; answers its id, to be found among the attempts. */
    test: (id: string): Promise<string> =>
      inTransaction(async ({ webhooks }) => {
        if (there(await webhooks.find(id)).disabledAt !== null) {
          throw new Conflict('webhook_disabled', 'this webhook is turned off');
        }
        return webhooks.enqueueTest(id);
      }),

    listMessages: (id: string, limit: number, after?: string): Promise<WebhookMessage[]> =>
      inTransaction(async ({ webhooks }) => {
        there(await webhooks.find(id));
        return webhooks.listMessages(id, limit, after);
      }),
  };
}

export type ManageWebhooks = ReturnType<typeof createManageWebhooks>;

/** Binds a sealed secret to its row and its column. */
export function webhookSecretContext(id: string, column: 'secret_sealed' | 'previous_secret_sealed'): SecretContext {
  return { table: 'webhooks', column, owner: '', row: id };
}

function there(webhook: Webhook | undefined): Webhook {
  if (webhook === undefined) throw new NotFound('no such webhook');
  return webhook;
}

function checkVersion({ version }: Webhook, expected: number | undefined): void {
  if (expected === undefined || version === expected) return;
  throw new Conflict('version_changed', 'somebody else changed this webhook meanwhile');
}

const families = new Set(Object.keys(auditEventTypes).map((type) => `${type.slice(0, type.indexOf('.'))}.*`));

function checkedTypes(types: readonly string[]): readonly string[] {
  if (types.length === 0) throw new InvalidInput('event_types', 'say which events, or * for all');
  for (const type of types) {
    const known = type === '*' || families.has(type) || Object.hasOwn(auditEventTypes, type);
    if (!known) throw new InvalidInput('event_types', `there is no event '${type.slice(0, 100)}'`);
  }
  return types;
}
