/** The browser's lane: one that completed a sign-in of this person lately, or any other. */
export type Lane = 'known' | 'other';

export type ChallengePurpose = 'sign-in' | 'step-up' | 'account' | 'console' | 'device' | 'reset';

/** What one installation's limits come to; computed from its window and digits, never set by hand. */
export interface ThrottleLimits {
  /** Units that one password may ever see spent and not returned. */
  readonly cap: number;
  /** The part of the cap that browsers we do not know may spend. */
  readonly otherLaneShare: number;
  readonly triesPerChallenge: number;
  readonly dayUnits: number;
  /** The other lane's units a day while many accounts are being guessed at. */
  readonly brakedDayUnits: number;
  readonly inARowLimit: number;
  /** Units at which the person is told that somebody knows their password. */
  readonly tellAt: number;
  /** Units from which the next complete sign-in must set a new password. */
  readonly changePasswordAt: number;
}

/**
 * The chance that guessing succeeds against one stolen password, over its whole life: that of 150 units at the default
 * window and digits, 4.5e-4, and so below 0.05 %.
 */
const acceptedProbability = 150 * unitProbability(1, 6);
const smallestCap = 30;

/**
 * The chance that one guess against one authenticator is right. Dynamic truncation gives 31 bits (RFC 4226 section
 * 5.3), which 10^digits does not divide, so the likeliest code is a little likelier than 10^-digits.
 */
export function unitProbability(windowSteps: number, digits: number): number {
  const likeliest = Math.ceil(2 ** 31 / 10 ** digits) / 2 ** 31;
  return (2 * windowSteps + 1) * likeliest;
}

/** The limits for a window and a number of digits; undefined where guessing would be too easy to allow. */
export function throttleLimits(windowSteps: number, digits: number): ThrottleLimits | undefined {
  const cap = Math.floor(acceptedProbability / unitProbability(windowSteps, digits));
  if (cap < smallestCap) return undefined;
  // Longer codes would allow a cap that no day limit reaches; the waits below stay what people know.
  return {
    cap,
    otherLaneShare: Math.floor((cap * 110) / 150),
    triesPerChallenge: 5,
    dayUnits: 20,
    brakedDayUnits: 3,
    inARowLimit: 50,
    tellAt: Math.floor((cap * 30) / 150),
    changePasswordAt: Math.floor((cap * 100) / 150),
  };
}

/** Seconds before the next try after `inARow` failures in a row in a lane; the wait comes after every fifth. */
export function pacingSeconds(inARow: number): number {
  if (inARow >= 20) return 3600;
  if (inARow < 5 || inARow % 5 !== 0) return 0;
  if (inARow === 5) return 60;
  return inARow === 10 ? 300 : 900;
}

export const daySeconds = 86_400;
/** A challenge is a matter of minutes. */
export const challengeLifetimeSeconds = 600;

export interface LaneState {
  readonly units: number;
  readonly inARow: number;
  /** Epoch seconds, or null where no wait is set. */
  readonly nextTryAt: number | null;
  readonly dayStartedAt: number | null;
  readonly dayUnits: number;
}

export interface GuardState {
  readonly total: number;
  readonly lanes: Readonly<Record<Lane, LaneState>>;
}

export interface ChallengeState {
  readonly lane: Lane;
  readonly tries: number;
  readonly units: number;
  readonly closed: boolean;
  readonly expiresAt: number;
}

export type Refusal =
  | { readonly kind: 'challenge-spent' }
  | { readonly kind: 'wait'; readonly retryAfterSeconds: number }
  /** Only a new password with a recovery code, or an operator, opens it again. */
  | { readonly kind: 'closed' };

/**
 * Why a charge is refused, or undefined where it is allowed. The database decides by the same conditions in one
 * conditional write; this explains its answer and is what the property tests drive.
 *
 * `units` is the number of authenticators the code is compared with; 0 for a recovery code, which shares tries and
 * pacing and has no cap, so that the way back cannot be closed by somebody else.
 */
export function refusalOf(
  guard: GuardState,
  challenge: ChallengeState,
  units: number,
  nowSeconds: number,
  limits: ThrottleLimits,
  braked: boolean,
): Refusal | undefined {
  if (challenge.closed || challenge.tries >= limits.triesPerChallenge || challenge.expiresAt <= nowSeconds) {
    return { kind: 'challenge-spent' };
  }
  const lane = guard.lanes[challenge.lane];
  if (units > 0) {
    if (guard.total + units > limits.cap) return { kind: 'closed' };
    if (challenge.lane === 'other' && lane.units + units > limits.otherLaneShare) return { kind: 'closed' };
    if (lane.inARow >= limits.inARowLimit) return { kind: 'closed' };
  }
  if (lane.nextTryAt !== null && lane.nextTryAt > nowSeconds) {
    return { kind: 'wait', retryAfterSeconds: Math.max(1, Math.ceil(lane.nextTryAt - nowSeconds)) };
  }
  const dayLimit = dayUnitsFor(challenge.lane, limits, braked);
  if (units > 0 && lane.dayStartedAt !== null && lane.dayStartedAt + daySeconds > nowSeconds) {
    if (lane.dayUnits + units > dayLimit) {
      return {
        kind: 'wait',
        retryAfterSeconds: Math.max(1, Math.ceil(lane.dayStartedAt + daySeconds - nowSeconds)),
      };
    }
  }
  return undefined;
}

/** Whether codes are compared in a lane now, as operators see it. Times in epoch seconds. */
export type LaneCondition =
  { readonly kind: 'open' } | { readonly kind: 'waits'; readonly until: number } | { readonly kind: 'closed' };

/** What a new challenge with one authenticator would meet. */
export function laneCondition(
  guard: GuardState,
  lane: Lane,
  nowSeconds: number,
  limits: ThrottleLimits,
): LaneCondition {
  const challenge = { lane, tries: 0, units: 0, closed: false, expiresAt: nowSeconds + challengeLifetimeSeconds };
  const refusal = refusalOf(guard, challenge, 1, nowSeconds, limits, false);
  if (refusal?.kind === 'wait') return { kind: 'waits', until: nowSeconds + refusal.retryAfterSeconds };
  return { kind: refusal === undefined ? 'open' : 'closed' };
}

/** The units a lane may spend in a day. */
export function dayUnitsFor(lane: Lane, limits: ThrottleLimits, braked: boolean): number {
  return braked && lane === 'other' ? limits.brakedDayUnits : limits.dayUnits;
}

/** Whether the second factor is closed for the person whatever the browser. */
export function isClosed(guard: GuardState, limits: ThrottleLimits): boolean {
  return guard.total >= limits.cap || bothLanesClosed(guard, limits);
}

/** Both lanes saw too many failures in a row: the authenticators are void and must be bound again (NIST 3.2.2). */
export function bothLanesClosed(guard: GuardState, limits: ThrottleLimits): boolean {
  return guard.lanes.known.inARow >= limits.inARowLimit && guard.lanes.other.inARow >= limits.inARowLimit;
}

/**
 * Whether so many accounts are being guessed at that it is one attack on all (passwords stuffed from a list). Slips of
 * honest people grow with the number of sign-ins, so failures are judged against what was accepted in the same hour.
 */
export function isSurge({ failed, accepted }: { readonly failed: number; readonly accepted: number }): boolean {
  return failed >= 50 && failed * 5 >= accepted;
}

/** Browsers nobody knows are held off for good, while known ones still serve: a mailed link makes one known. */
export function isOtherLaneClosed(guard: GuardState, limits: ThrottleLimits): boolean {
  const { other } = guard.lanes;
  const closed = other.inARow >= limits.inARowLimit || other.units >= limits.otherLaneShare;
  return closed && !isClosed(guard, limits);
}
