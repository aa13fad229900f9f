import type { RequestContext } from '../domain/audit-event.ts';
import type { Lane } from '../domain/throttle.ts';

export interface AbandonedChallenge {
  readonly id: string;
  readonly userId: string;
  readonly lane: Lane;
  readonly tries: number;
  /** Where its last wrong code came from. */
  readonly address: string;
  readonly userAgent: string;
}

/** What became of challenges: for what people are told, never for what is allowed. */
export interface ChallengeHistory {
  /** Remembers where a wrong code came from, for the notice that may follow hours later. */
  noteOrigin(challengeId: string, context: RequestContext): Promise<void>;
  /** Closes challenges that expired after wrong codes; of any number of replicas each one is answered to one. */
  closeAbandoned(most: number): Promise<AbandonedChallenge[]>;
  /** Challenges that ended with wrong codes since the last one but `accepted` that was accepted. */
  countFailedSince(userId: string, accepted: number): Promise<number>;
}
