import { hashToken, newId } from '../crypto/random.ts';
import { challengeLifetimeSeconds, type ChallengePurpose, type Lane } from '../domain/throttle.ts';
import type { InSecondFactorTransaction } from './stores.ts';

export interface ChallengeRequest {
  readonly userId: string;
  readonly lane: Lane;
  readonly purpose: ChallengePurpose;
  /** The interaction or session it serves; a code sent from anywhere else is refused. */
  readonly boundTo: string;
}

/**
 * Opens the only place in which a code is compared. Call it after the password was proven in this sign-in, or for a
 * session that recorded such a proof; nothing else may.
 */
export function createOpenChallenge(inTransaction: InSecondFactorTransaction) {
  return async (request: ChallengeRequest): Promise<string> => {
    const id = newId();
    await inTransaction(({ guards }) =>
      guards.open({ id, ...request, boundTo: hashToken(request.boundTo) }, challengeLifetimeSeconds),
    );
    return id;
  };
}
