import type { Authenticator } from './authenticator-store.ts';
import type { ChallengePurpose, ChallengeState, GuardState, Lane, ThrottleLimits } from '../domain/throttle.ts';

export interface OpenedChallenge {
  readonly id: string;
  readonly userId: string;
  readonly lane: Lane;
  readonly purpose: ChallengePurpose;
  /** What it serves: an interaction or a session, hashed. */
  readonly boundTo: string;
}

export interface ChargeRequest {
  readonly challengeId: string;
  readonly userId: string;
  readonly boundTo: string;
  /**
   * What is tried. A one-time code costs a unit for each authenticator it will be compared with, and at least one; a
   * recovery code costs none.
   */
  readonly factor: 'one-time-code' | 'recovery-code';
  /** The one authenticator the person chose; without it, all of theirs. */
  readonly authenticatorId?: string | undefined;
  readonly limits: ThrottleLimits;
  readonly braked: boolean;
}

/** What a code is compared with; the secret stays sealed until then. */
export type ComparedAuthenticator = Pick<
  Authenticator,
  'id' | 'userId' | 'secretSealed' | 'algorithm' | 'digits' | 'periodSeconds' | 'driftSteps' | 'lastStep' | 'spentSteps'
>;

/** What a charge that was taken left behind. */
export interface Charged {
  readonly lane: Lane;
  readonly tries: number;
  /** What this try cost. */
  readonly units: number;
  /** Those it was charged for, oldest first: the code may be compared with these and no other. */
  readonly authenticators: readonly ComparedAuthenticator[];
  readonly inARow: number;
  readonly total: number;
}

/**
 * The durable side of the throttle. Every method is one decision on the latest committed rows, whatever else runs at
 * the same time: of any number of parallel charges, only as many are taken as the limits allow.
 */
export interface GuardStore {
  open(challenge: OpenedChallenge, lifetimeSeconds: number): Promise<void>;
  /** Takes the charge and answers what it left, or answers undefined and takes nothing. */
  charge(request: ChargeRequest): Promise<Charged | undefined>;
  /** The person's guard and one challenge as they stand, for an explanation; undefined where there is no such one. */
  read(
    userId: string,
    challengeId: string,
  ): Promise<{ readonly guard: GuardState; readonly challenge: ChallengeState; readonly boundTo: string } | undefined>;
  readGuard(userId: string): Promise<GuardState>;
  /**
   * After an acceptance: closes the challenge as accepted, returns its own units once, sets the lane's row of failures
   * to 0. Answers the total that stays, or undefined where the challenge was accepted before (and changes nothing).
   */
  settle(userId: string, challengeId: string): Promise<number | undefined>;
  /** The same, and a fault (`lost_race`) that undoes the whole transaction where it was accepted before. */
  settleOrFail(userId: string, challengeId: string): Promise<number>;
  /** Returns the units of one refused try that showed possession (a replayed code). */
  giveBack(userId: string, challengeId: string, units: number): Promise<void>;
  /** Closes a challenge whose tries are used up; answers whether this call was the one that closed it. */
  markSpent(challengeId: string): Promise<boolean>;
  /** Remembers an early code's step in its challenge; answers the one remembered before it. */
  noteEarly(
    challengeId: string,
    offset: number,
    step: number,
  ): Promise<{ readonly offset: number; readonly step: number } | undefined>;
  /** Raises the mark of what the person was told to `units`; answers whether it was lower. */
  raiseTold(userId: string, units: number): Promise<boolean>;
  /** After a new password with a second factor proven, or an operator's act. */
  clear(userId: string): Promise<void>;
  /** After an authenticator was added or removed under full proof. */
  clearFailuresInARow(userId: string): Promise<void>;
  /** Closes the person's open challenges: the password that opened them is not theirs any more. Counts stay. */
  voidChallenges(userId: string): Promise<void>;
  /**
   * Of the last hour: accounts with a wrong code, not made good, in a browser we do not know; and accounts that had one
   * accepted anywhere, against which the first number is judged.
   */
  countGuessedAccounts(): Promise<{ readonly failed: number; readonly accepted: number }>;
}
