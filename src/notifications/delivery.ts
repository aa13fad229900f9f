/** A row of the outbox as the one who delivers it sees it. */
export interface OutboxItem {
  readonly id: string;
  readonly channel: 'mail' | 'logout' | 'webhook' | 'syslog' | 'ping';
  readonly kind: string;
  readonly userId: string | null;
  readonly webhookId: string | null;
  readonly payload: Readonly<Record<string, unknown>>;
  /** The opened secret of the row: the token of a mail's link. */
  readonly secret: string | undefined;
  /** Tries that came before this one. */
  readonly tries: number;
  readonly createdAt: Date;
}

export type DeliveryOutcome =
  | { kind: 'delivered'; status?: number }
  /** Tried again later, by a waiting time that grows. */
  | { kind: 'retry'; error: string; status?: number }
  /** No later try can succeed either. */
  | { kind: 'give-up'; error: string; status?: number };

/** Brings one item where it belongs. It may be asked again for the same item after a crash: repeating must do no harm. */
export type Deliver = (item: OutboxItem) => Promise<DeliveryOutcome>;
