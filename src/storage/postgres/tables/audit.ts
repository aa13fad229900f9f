import type { ColumnType, Generated } from 'kysely';

export interface AuditTables {
  audit_events: AuditEventsTable;
  audit_unsealed: AuditUnsealedTable;
  audit_seals: AuditSealsTable;
  audit_retention: AuditRetentionTable;
  person_keys: PersonKeysTable;
}

/** Partitioned by month; nothing in it changes or goes but with its month. */
export interface AuditEventsTable {
  id: Generated<string>;
  at: Generated<Date>;
  type: string;
  actor: string;
  target: string;
  result: 'success' | 'failure';
  reason: string | null;
  details: ColumnType<Record<string, string | number | boolean | null>, string, never>;
  request_id: string;
  /** `{ address, userAgent }`, sealed under the key of the person who acted, or else of the one concerned. */
  origin_sealed: string | null;
  /** What is said of the person concerned, sealed under that person's key. */
  personal_sealed: string | null;
}

export interface AuditUnsealedTable {
  id: string;
  at: Date;
}

export interface AuditSealsTable {
  number: string;
  /** The month of all its events, by its first day. */
  month: ColumnType<Date, string, never>;
  event_ids: string[];
  /** 32 bytes each, in the order of the ids. */
  event_hashes: Buffer;
  previous_hash: Buffer;
  hash: Buffer;
  /** The hash under the service's own key, which the database does not have. */
  hash_sealed: string;
  sealed_at: Generated<Date>;
}

export interface AuditRetentionTable {
  only_one: Generated<boolean>;
  months: number | null;
}

export interface PersonKeysTable {
  subject: string;
  key_sealed: string | null;
  created_at: Generated<Date>;
  destroyed_at: Date | null;
}
