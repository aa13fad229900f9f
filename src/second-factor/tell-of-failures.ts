import type { RequestContext } from '../domain/audit-event.ts';
import type { Outbox } from '../notifications/outbox.ts';
import type { ChallengeHistory } from './challenge-history.ts';
import type { InSecondFactorTransaction, SecondFactorStores } from './stores.ts';

const most = 100;

/**
 * Tells people that somebody who knows their password tried codes. The first challenge that is left with wrong codes is
 * told, not each after it: whoever guesses for days must not fill the owner's mailbox.
 */
export async function tellOfFailedChallenge(
  stores: { readonly challengeHistory: ChallengeHistory; readonly outbox: Outbox },
  userId: string,
  context: RequestContext,
): Promise<void> {
  if ((await stores.challengeHistory.countFailedSince(userId, 0)) > 1) return;
  await stores.outbox.enqueue({ kind: 'challenge-abandoned', userId, context });
}

/** Closes challenges that expired with wrong codes in them, records and tells of them. Answers how many. */
export function createCloseAbandoned(inTransaction: InSecondFactorTransaction) {
  return (): Promise<number> =>
    inTransaction(async (stores) => {
      const abandoned = await stores.challengeHistory.closeAbandoned(most);
      for (const { userId, lane, tries, address, userAgent } of abandoned) {
        const context = { requestId: '', address, userAgent };
        await stores.audit.record({
          type: 'challenge.abandoned',
          actor: 'anonymous',
          target: userId,
          result: 'failure',
          details: { lane, tries },
          context,
        });
        await tellOfFailedChallenge(stores, userId, context);
      }
      return abandoned.length;
    });
}

/** After a complete sign-in: says so where challenges had been left with wrong codes before it. */
export function createTellAfterSignIn(inTransaction: InSecondFactorTransaction) {
  return async (userId: string, context: RequestContext): Promise<void> =>
    inTransaction((stores) => tellAfterSignIn(stores, userId, context));
}

/** The same within the transaction of the sign-in. */
export async function tellAfterSignIn(
  { challengeHistory, outbox }: Pick<SecondFactorStores, 'challengeHistory' | 'outbox'>,
  userId: string,
  context: RequestContext,
): Promise<void> {
  // The sign-in's own challenge is the last that was accepted.
  if ((await challengeHistory.countFailedSince(userId, 1)) === 0) return;
  await outbox.enqueue({ kind: 'sign-in-after-failures', userId, context });
}
