import { hashToken, newToken } from '../crypto/random.ts';
import type { RequestContext } from '../domain/audit-event.ts';
import { linkSecondsOf } from '../domain/notice.ts';
import { Fault } from '../errors.ts';
import type { InTransaction } from '../transaction.ts';
import type { NotMeLinkStore } from './not-me-link-store.ts';
import type { UsersStores } from './stores.ts';

export interface NotMeStores extends UsersStores {
  readonly notMeLinks: NotMeLinkStore;
  /** Undoes what happened to authenticators and recovery codes since then. */
  readonly undoSecondFactor: (
    userId: string,
    since: Date,
  ) => Promise<{ readonly voided: number; readonly restored: number; readonly recoveryCodes: boolean }>;
  readonly voidPassword: (userId: string) => Promise<void>;
  readonly forgetBrowsers: (userId: string) => Promise<void>;
}

/** "This was not me", by the link of a mail: works for whoever has lost password, address and second factor to a thief. */
export function createThisWasNotMe(inTransaction: InTransaction<NotMeStores>) {
  return {
    /** Whether the link could be used now; uses nothing. */
    async open(token: string): Promise<void> {
      const userId = await inTransaction(({ notMeLinks }) => notMeLinks.peek(hashToken(token)));
      if (userId === undefined) throw gone();
    },

    /**
     * One act, whole or not at all: every session and refresh token ends, second factor and address are as they were,
     * the password is void whoever set it, and a link for a new one goes to the address that stood before.
     */
    use: (token: string, context: RequestContext): Promise<void> =>
      inTransaction(async (stores) => {
        const used = await stores.notMeLinks.use(hashToken(token));
        if (used === undefined) throw gone();
        const { userId, since } = used;
        await stores.endSessions(userId);
        const { voided, restored, recoveryCodes } = await stores.undoSecondFactor(userId, since);
        const addressRestored = await stores.users.restoreEmail(userId, since);
        await stores.voidPassword(userId);
        await stores.forgetBrowsers(userId);
        // Among them links that the thief asked for: a reset, the confirmation of an address.
        await stores.links.voidAll(userId);
        const reset = newToken();
        const link = { purpose: 'password-reset', userId } as const;
        await stores.links.issue(hashToken(reset), link, linkSecondsOf('not-me-done'));
        const event = { actor: userId, target: userId, result: 'success' as const, context };
        const fields = addressRestored ? 'password email' : 'password';
        const details = { authenticators: voided + restored, recoveryCodes, fields };
        await stores.audit.record({ ...event, type: 'not-me.used', details });
        if (restored > 0) {
          await stores.audit.record({
            ...event,
            type: 'authenticator.restored',
            details: { authenticators: restored },
          });
        }
        await stores.outbox.enqueue({ kind: 'not-me-done', userId, token: reset, context });
      }),
  };
}

function gone(): Fault {
  return new Fault('link_used', 410, 'this link was used before or has expired');
}
