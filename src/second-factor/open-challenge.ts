import type { AuditEvent } from '../domain/audit-event.ts';
import { hashToken, newId } from '../crypto/random.ts';
import { challengeLifetimeSeconds, type ChallengePurpose, type Lane } from '../domain/throttle.ts';
import type { InOneSecondFactorTrip, InSecondFactorTransaction } from './stores.ts';

export interface ChallengeRequest {
  readonly userId: string;
  readonly lane: Lane;
  readonly purpose: ChallengePurpose;
  /** The interaction or session it serves; a code sent from anywhere else is refused. */
  readonly boundTo: string;
  /** What led here and was not recorded yet; recorded in the same act. */
  readonly toRecord?: AuditEvent | undefined;
}

/**
 * Opens the only place in which a code is compared. Call it after the password was proven in this sign-in, or for a
 * session that recorded such a proof; nothing else may.
 */
export function createOpenChallenge(byOneStatement: InSecondFactorTransaction, inOneTrip: InOneSecondFactorTrip) {
  return async ({ userId, lane, purpose, boundTo, toRecord }: ChallengeRequest): Promise<string> => {
    const id = newId();
    const opened = { id, userId, lane, purpose, boundTo: hashToken(boundTo) };
    if (toRecord === undefined) {
      await byOneStatement(({ guards }) => guards.open(opened, challengeLifetimeSeconds));
    } else {
      await inOneTrip([userId], ({ guards, audit }) =>
        Promise.all([guards.open(opened, challengeLifetimeSeconds), audit.record(toRecord)]),
      );
    }
    return id;
  };
}
