import type { ColumnType, Generated } from 'kysely';

export interface NotificationTables {
  outbox: OutboxTable;
  outbox_attempts: OutboxAttemptsTable;
  notice_budgets: NoticeBudgetsTable;
  not_me_links: NotMeLinksTable;
  previous_addresses: PreviousAddressesTable;
  webhooks: WebhooksTable;
}

/** Everything that is to leave the service: mails, logout tokens, webhooks, syslog. */
export interface OutboxTable {
  id: Generated<string>;
  channel: 'mail' | 'logout' | 'webhook' | 'syslog' | 'ping';
  kind: string;
  user_id: string | null;
  webhook_id: string | null;
  payload: ColumnType<Record<string, unknown>, string, string>;
  /** A link's token; gone once the mail is delivered. */
  secret_sealed: string | null;
  created_at: Generated<Date>;
  next_try_at: Generated<Date>;
  /** Who delivers it now; counts until `next_try_at`. */
  claim_id: string | null;
  tries: Generated<number>;
  delivered_at: Date | null;
  failed_at: Date | null;
}

export interface OutboxAttemptsTable {
  outbox_id: string;
  number: number;
  at: Generated<Date>;
  status: number | null;
  error: string | null;
}

export interface NoticeBudgetsTable {
  user_id: string;
  kind: string;
  window_started_at: Generated<Date>;
  sent: Generated<number>;
}

export interface NotMeLinksTable {
  token_hash: string;
  user_id: string;
  expires_at: ColumnType<Date, Date | string, Date | string>;
  used_at: Date | null;
}

/** Written by a trigger whenever an address changes; kept for 72 hours. */
export interface PreviousAddressesTable {
  id: Generated<string>;
  user_id: string;
  address: string;
  verified: boolean;
  replaced_at: Generated<Date>;
}

export interface WebhooksTable {
  id: string;
  url: string;
  description: Generated<string>;
  event_types: string[];
  secret_sealed: string;
  previous_secret_sealed: string | null;
  previous_until: Date | null;
  disabled_at: Date | null;
  created_at: Generated<Date>;
  updated_at: Generated<Date>;
  version: Generated<number>;
}
