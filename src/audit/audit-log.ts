import type { AuditEvent } from '../domain/audit-event.ts';

/** The append-only record. A row is written in the transaction of the change it tells of: both stay, or neither. */
export interface AuditLog {
  record(event: AuditEvent): Promise<void>;
}
