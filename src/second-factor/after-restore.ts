import type { AuditLog } from '../audit/audit-log.ts';
import type { RequestContext } from '../domain/audit-event.ts';
import type { InTransaction } from '../transaction.ts';

/** The state of a database that went back in time, or moved to another. */
export interface RestoredState {
  /** Raises every last step to the step of this moment by the database's clock; answers how many authenticators. */
  raiseLastSteps(): Promise<number>;
  /** Ends every session, grant, token, challenge and link that was still open; answers how many sessions. */
  endEverythingOpen(): Promise<number>;
  /** Voids every unused recovery code of a set from which none can be told to be used or not. */
  voidRecoveryCodes(): Promise<number>;
}

export interface AfterRestoreStores {
  readonly restored: RestoredState;
  readonly audit: AuditLog;
}

export interface AfterRestoreReport {
  readonly authenticators: number;
  readonly sessions: number;
  readonly recoveryCodes: number;
}

/**
 * A backup does not know which codes were accepted after it was made. Afterwards no code of the past is acceptable (RFC
 * 6238 section 5.2), nobody is signed in, and what was revoked meanwhile has not come back. Recovery codes that were
 * used after the backup are unused again: `voidRecoveryCodes` voids them all where that weighs more.
 */
export function createAfterRestore(inTransaction: InTransaction<AfterRestoreStores>) {
  return (
    options: { readonly voidRecoveryCodes: boolean },
    actor: string,
    context: RequestContext,
  ): Promise<AfterRestoreReport> =>
    inTransaction(async ({ restored, audit }) => {
      const authenticators = await restored.raiseLastSteps();
      const sessions = await restored.endEverythingOpen();
      const recoveryCodes = options.voidRecoveryCodes ? await restored.voidRecoveryCodes() : 0;
      await audit.record({
        type: 'backup.restored',
        actor,
        target: '',
        result: 'success',
        details: { authenticators, count: sessions, recoveryCodes: options.voidRecoveryCodes },
        context,
      });
      return { authenticators, sessions, recoveryCodes };
    });
}
