/** Where events are sent to, and which. */
export interface Webhook {
  readonly id: string;
  readonly url: string;
  readonly description: string;
  /** Types (`user.created`), families (`user.*`), or `*` for all. */
  readonly eventTypes: readonly string[];
  readonly secretSealed: string;
  /** The secret that was replaced; it signs too until `previousUntil`. */
  readonly previousSecretSealed: string | null;
  readonly previousUntil: Date | null;
  /** Null while events are sent. */
  readonly disabledAt: Date | null;
  readonly createdAt: Date;
  readonly updatedAt: Date;
  readonly version: number;
}

export type NewWebhook = Pick<Webhook, 'id' | 'url' | 'description' | 'eventTypes' | 'secretSealed'>;

export interface WebhookChange {
  readonly url?: string;
  readonly description?: string;
  readonly eventTypes?: readonly string[];
  readonly enabled?: boolean;
}

/** A message to a webhook, and what became of it. */
export interface WebhookMessage {
  /** What the receiver sees as `webhook-id`. */
  readonly id: string;
  readonly type: string;
  /** The event's id; null for a test. */
  readonly event: string | null;
  readonly state: 'waiting' | 'delivered' | 'failed';
  readonly createdAt: Date;
  /** When it is tried again; null once it is delivered or given up. */
  readonly nextTryAt: Date | null;
  readonly attempts: readonly WebhookAttempt[];
}

export interface WebhookAttempt {
  readonly number: number;
  readonly at: Date;
  /** The answer's status; null where none came. */
  readonly status: number | null;
  readonly error: string | null;
}

/** Webhooks and their messages, in the transaction of the caller. */
export interface WebhookStore {
  /** By the time they were made. */
  list(): Promise<Webhook[]>;
  find(id: string): Promise<Webhook | undefined>;
  /** The same, and nobody else changes it until this transaction ends. */
  lock(id: string): Promise<Webhook | undefined>;
  insert(webhook: NewWebhook): Promise<Webhook>;
  change(id: string, change: WebhookChange): Promise<Webhook>;
  /** The secret in use becomes the previous one, sealed anew for its place, for so many seconds. */
  replaceSecret(
    id: string,
    secretSealed: string,
    previousSecretSealed: string,
    previousSeconds: number,
  ): Promise<Webhook>;
  /** With everything that was to be sent to it. */
  remove(id: string): Promise<void>;
  /** A message for one webhook that tells of no event. */
  enqueueTest(id: string): Promise<string>;
  /** Newest first. `after` is the id of the last one seen. */
  listMessages(id: string, limit: number, after: string | undefined): Promise<WebhookMessage[]>;
}

/** Where the sealer hands over what was chained. */
export interface EventSinks {
  /** One message for each event and each webhook that wants its type; one for each event where there is a syslog. */
  enqueue(events: readonly { readonly id: string; readonly type: string }[], toSyslog: boolean): Promise<void>;
}
