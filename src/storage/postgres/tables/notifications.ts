import type { ColumnType, Generated } from 'kysely';

export interface NotificationTables {
  outbox: OutboxTable;
}

export interface OutboxTable {
  id: string;
  kind: string;
  user_id: string;
  details: ColumnType<Record<string, string | number>, string, never>;
  created_at: Generated<Date>;
  next_try_at: Generated<Date>;
  tries: Generated<number>;
  delivered_at: Date | null;
}
