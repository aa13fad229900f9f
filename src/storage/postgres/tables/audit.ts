import type { ColumnType, Generated } from 'kysely';

export interface AuditTables {
  audit_events: AuditEventsTable;
}

export interface AuditEventsTable {
  id: Generated<string>;
  at: Generated<Date>;
  type: string;
  actor: string;
  target: string;
  result: 'success' | 'failure';
  reason: string | null;
  details: ColumnType<Record<string, unknown>, string, never>;
  request_id: string;
  address: string;
  user_agent: string;
}
