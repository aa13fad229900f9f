import type { AuditReader } from '../audit/audit-log.ts';
import { showAuditEvent } from '../audit/export.ts';
import type { Clock } from '../clock.ts';
import type { SecretBox } from '../crypto/secret-box.ts';
import { serviceContext } from '../domain/audit-event.ts';
import type { InTransaction } from '../transaction.ts';
import type { Deliver, OutboxItem } from './delivery.ts';
import { webhookSecretContext, type WebhookStores } from './manage-webhooks.ts';
import { OutboundRefused, type Outbound } from './outbound.ts';
import { signWebhook } from './webhook-signature.ts';
import type { Webhook } from './webhook-store.ts';

export interface WebhookDeliveryDependencies {
  readonly inTransaction: InTransaction<WebhookStores>;
  readonly auditReader: Pick<AuditReader, 'find'>;
  readonly secretBox: SecretBox;
  readonly outbound: Pick<Outbound, 'fetch'>;
  readonly clock: Clock;
}

const gone = 410;

/**
 * Sends one event to one webhook (Standard Webhooks 1.0). The event is read at the moment it leaves: whoever was erased
 * meanwhile is told of to nobody. Any 2xx is taken as received; 410 turns the webhook off.
 */
export function createWebhookDelivery(dependencies: WebhookDeliveryDependencies): Deliver {
  const { inTransaction, auditReader, outbound, clock, secretBox } = dependencies;

  async function bodyOf({ id, kind, createdAt, payload }: OutboxItem): Promise<string | undefined> {
    if (payload['test'] === true) return JSON.stringify(testMessage(id, kind, createdAt));
    const event = typeof payload['event'] === 'string' ? await auditReader.find(payload['event']) : undefined;
    return event && JSON.stringify(showAuditEvent(event));
  }

  function keysOf(webhook: Webhook): Buffer[] {
    const { id, secretSealed, previousSecretSealed, previousUntil } = webhook;
    const keys = [secretBox.open(secretSealed, webhookSecretContext(id, 'secret_sealed'))];
    if (previousSecretSealed !== null && previousUntil !== null && previousUntil > clock.now()) {
      keys.push(secretBox.open(previousSecretSealed, webhookSecretContext(id, 'previous_secret_sealed')));
    }
    return keys;
  }

  const turnOff = (id: string): Promise<void> =>
    inTransaction(async ({ webhooks, audit }) => {
      const webhook = await webhooks.lock(id);
      if (webhook === undefined || webhook.disabledAt !== null) return;
      await webhooks.change(id, { enabled: false });
      const details = { webhook: id, fields: 'enabled' };
      const event = { type: 'webhook.changed', actor: 'service', target: '', result: 'success' } as const;
      await audit.record({ ...event, reason: 'gone', details, context: serviceContext });
    });

  return async (item) => {
    const { webhookId } = item;
    const webhook = webhookId === null ? undefined : await inTransaction(({ webhooks }) => webhooks.find(webhookId));
    if (webhook === undefined || webhook.disabledAt !== null) {
      return { kind: 'give-up', error: 'the webhook is gone or turned off' };
    }
    const body = await bodyOf(item);
    if (body === undefined) return { kind: 'give-up', error: 'the event is no longer kept' };
    const signed = signWebhook({ id: item.id, timestamp: clock.epochSeconds(), body }, keysOf(webhook));
    let status: number;
    try {
      const response = await outbound.fetch(webhook.url, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...signed },
        body,
      });
      ({ status } = response);
      // Whatever it says is not read; the connection ends.
      await response.body?.cancel();
    } catch (error) {
      if (error instanceof OutboundRefused) return { kind: 'give-up', error: 'this address is not to be reached' };
      return { kind: 'retry', error: reasonOf(error) };
    }
    if (status >= 200 && status < 300) return { kind: 'delivered', status };
    if (status === gone) {
      await turnOff(webhook.id);
      return { kind: 'give-up', error: 'gone', status };
    }
    return { kind: 'retry', error: 'not taken', status };
  };
}

/** In the shape of an event, with a type that no event has. */
function testMessage(id: string, type: string, at: Date) {
  return {
    id,
    at: at.toISOString(),
    type,
    actor: 'service',
    target: '',
    result: 'success',
    reason: null,
    details: {},
    request_id: '',
    address: null,
    user_agent: null,
    personal: null,
  };
}

/** The cause's own code (`ECONNREFUSED`, `CERT_HAS_EXPIRED`): it tells an operator more than "fetch failed". */
function reasonOf(error: unknown): string {
  const { code } = ((error as { cause?: unknown }).cause ?? error) as { code?: unknown };
  if (typeof code === 'string') return code;
  return error instanceof Error ? error.name : 'unknown';
}
