import { serviceContext } from '../domain/audit-event.ts';
import type { InTransaction } from '../transaction.ts';
import type { AuditLog } from './audit-log.ts';

/** The record's months: `2026-11`. */
export interface AuditMonthStore {
  /** Makes the partitions of the present month and the next two, where they are missing. */
  addAhead(): Promise<void>;
  /** Months whose time to be kept is over, oldest first, with what they hold. */
  listExpired(): Promise<readonly { readonly month: string; readonly events: number }[]>;
  /** Drops one; refused by the database where its time is not over or an event in it is not sealed yet. */
  drop(month: string): Promise<void>;
}

export interface PruneStores {
  readonly audit: AuditLog;
  readonly auditMonths: AuditMonthStore;
}

/**
 * Keeps the record's months: makes the next ones ahead, drops those whose time is over. A drop is itself an event, in
 * the same transaction, and the seals stay: the chain leads across the gap, and verifying knows that it is meant.
 * Answers the months that were dropped.
 */
export function createKeepAuditMonths(inTransaction: InTransaction<PruneStores>) {
  return async (actor = 'service'): Promise<readonly string[]> => {
    await inTransaction(({ auditMonths }) => auditMonths.addAhead());
    const expired = await inTransaction(({ auditMonths }) => auditMonths.listExpired());
    for (const { month, events } of expired) {
      await inTransaction(async ({ audit, auditMonths }) => {
        await auditMonths.drop(month);
        await audit.record({
          type: 'audit.pruned',
          actor,
          target: '',
          result: 'success',
          details: { month, events },
          context: serviceContext,
        });
      });
    }
    return expired.map(({ month }) => month);
  };
}
