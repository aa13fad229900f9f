import { createHmac } from 'node:crypto';

const prefix = 'whsec_';

/** A webhook's secret as its receiver is given it: `whsec_` and the key in base64 (Standard Webhooks 1.0). */
export function writeWebhookSecret(key: Uint8Array): string {
  return `${prefix}${Buffer.from(key).toString('base64')}`;
}

export interface SignedMessage {
  /** The same at every try, so that a receiver knows what it has seen. */
  readonly id: string;
  /** Of this try, in seconds since 1970: a receiver refuses what is old, and with it what is sent again by others. */
  readonly timestamp: number;
  /** The bytes that are sent, exactly. */
  readonly body: string;
}

/**
 * The headers of a message (Standard Webhooks 1.0): HMAC-SHA256 over id, timestamp and body, once under each key. While a
 * secret is replaced there are two, and the receiver accepts the one it knows.
 */
export function signWebhook({ id, timestamp, body }: SignedMessage, keys: readonly Uint8Array[]) {
  const signed = `${id}.${timestamp}.${body}`;
  const signatures = keys.map((key) => `v1,${createHmac('sha256', key).update(signed, 'utf8').digest('base64')}`);
  return {
    'webhook-id': id,
    'webhook-timestamp': String(timestamp),
    'webhook-signature': signatures.join(' '),
  };
}
