import type { AuditLog } from '../audit/audit-log.ts';
import type { AuditEvent } from '../domain/audit-event.ts';
import type { InTransaction } from '../transaction.ts';

/**
 * Tells `observe` of the events that a transaction recorded, once it is committed: what was rolled back, or tried
 * again, counts no more often than the record shows it.
 */
export function observeEvents<Stores extends { readonly audit: AuditLog }>(
  inTransaction: InTransaction<Stores>,
  observe: (events: readonly AuditEvent[]) => void,
): InTransaction<Stores> {
  return async (work) => {
    let recorded: AuditEvent[] = [];
    const result = await inTransaction((stores) => {
      recorded = [];
      const audit: AuditLog = {
        async record(event) {
          await stores.audit.record(event);
          recorded.push(event);
        },
        async recordAll(events) {
          await stores.audit.recordAll(events);
          recorded.push(...events);
        },
      };
      return work({ ...stores, audit });
    });
    if (recorded.length > 0) observe(recorded);
    return result;
  };
}
