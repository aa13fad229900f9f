import type { AuditLog } from '../audit/audit-log.ts';
import type { Clock } from '../clock.ts';
import { hashToken, newId, newToken } from '../crypto/random.ts';
import type { RequestContext } from '../domain/audit-event.ts';
import { longestTrustDays } from '../domain/policy.ts';
import type { Outbox } from '../notifications/outbox.ts';
import type { InTransaction } from '../transaction.ts';
import type { TrustedBrowser, TrustedBrowserStore } from './trusted-browser-store.ts';

export interface TrustedBrowserDependencies {
  readonly inTransaction: InTransaction<{
    readonly trustedBrowsers: TrustedBrowserStore;
    readonly audit: AuditLog;
    readonly outbox: Outbox;
  }>;
  readonly clock: Clock;
}

const daySeconds = 86_400;
const uuid = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/**
 * Browsers that a person trusts: kept here as a hash and bound to the person, for thirty days at most. What one may
 * stand in for is decided by the policy of the relying party, each time.
 */
export function createTrustedBrowsers({ inTransaction, clock }: TrustedBrowserDependencies) {
  const own = (userId: string) => ({ actor: userId, target: userId, result: 'success' as const });
  return {
    /**
     * Trusts the browser of a sign-in in which a code was just accepted; answers the token for its cookie. The token is
     * always new, so that a cookie planted beforehand is worth nothing; what `replaces` proves goes.
     */
    async trust(input: {
      readonly userId: string;
      readonly clientId: string;
      readonly days: number;
      readonly replaces: string | undefined;
      readonly context: RequestContext;
    }): Promise<{ readonly token: string; readonly lifetimeSeconds: number }> {
      const { userId, clientId, replaces, context } = input;
      const token = newToken();
      const id = newId();
      const trustedAt = clock.now();
      const lifetimeSeconds = Math.min(input.days, longestTrustDays) * daySeconds;
      const expiresAt = new Date(trustedAt.getTime() + lifetimeSeconds * 1000);
      const { userAgent, address } = context;
      await inTransaction(async ({ trustedBrowsers, audit, outbox }) => {
        const before =
          replaces === undefined ? undefined : await trustedBrowsers.find(hashToken(replaces), userId, trustedAt);
        if (before !== undefined) await trustedBrowsers.remove(userId, before.id);
        const browser = { id, tokenHash: hashToken(token), userId, clientId, userAgent, address, trustedAt, expiresAt };
        await trustedBrowsers.insert(browser);
        const details = { browser: id, client: clientId };
        await audit.record({ type: 'trusted-browser.added', ...own(userId), details, context });
        await outbox.enqueue({ kind: 'trusted-browser-added', userId, context });
      });
      return { token, lifetimeSeconds };
    },

    /** The live trusted browser of this person that the token proves. */
    find: (token: string | undefined, userId: string): Promise<TrustedBrowser | undefined> =>
      token === undefined
        ? Promise.resolve(undefined)
        : inTransaction(({ trustedBrowsers }) => trustedBrowsers.find(hashToken(token), userId, clock.now())),

    /** Records that one stood in for a code. */
    used: (userId: string, id: string, clientId: string, context: RequestContext): Promise<void> =>
      inTransaction(async ({ trustedBrowsers, audit }) => {
        await trustedBrowsers.markUsed(id, clock.now());
        const details = { browser: id, client: clientId };
        await audit.record({ type: 'trusted-browser.used', ...own(userId), details, context });
      }),

    /** Live ones, newest first. */
    list: (userId: string): Promise<TrustedBrowser[]> =>
      inTransaction(({ trustedBrowsers }) => trustedBrowsers.list(userId, clock.now())),

    /** Answers whether there was such a one of this person. `actor` is the person or an operator. */
    revoke: (userId: string, id: string, actor: string, context: RequestContext): Promise<boolean> =>
      inTransaction(async ({ trustedBrowsers, audit }) => {
        if (!uuid.test(id) || !(await trustedBrowsers.remove(userId, id))) return false;
        const details = { browser: id, count: 1 };
        await audit.record({ type: 'trusted-browser.revoked', ...own(userId), actor, details, context });
        return true;
      }),

    /** Answers how many went. */
    revokeAll: (userId: string, actor: string, context: RequestContext): Promise<number> =>
      inTransaction(async ({ trustedBrowsers, audit }) => {
        const count = await trustedBrowsers.removeAll(userId);
        if (count > 0) {
          const details = { count };
          await audit.record({ type: 'trusted-browser.revoked', ...own(userId), actor, details, context });
        }
        return count;
      }),
  };
}
