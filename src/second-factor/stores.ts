import type { AuditLog } from '../audit/audit-log.ts';
import type { AuditEvent, RequestContext } from '../domain/audit-event.ts';
import type { Proof } from '../domain/proof.ts';
import type { Lane, ThrottleLimits } from '../domain/throttle.ts';
import type { Outbox } from '../notifications/outbox.ts';
import type { InOneTrip, InTransaction } from '../transaction.ts';
import type { AuthenticatorStore } from './authenticator-store.ts';
import type { ChallengeHistory } from './challenge-history.ts';
import type { GuardStore } from './guard-store.ts';
import type { RecoveryCodeStore } from './recovery-code-store.ts';

/** What the use cases of the second factor change together. */
export interface SecondFactorStores {
  readonly guards: GuardStore;
  readonly challengeHistory: ChallengeHistory;
  readonly authenticators: AuthenticatorStore;
  readonly recoveryCodes: RecoveryCodeStore;
  readonly audit: AuditLog;
  readonly outbox: Outbox;
  /** Makes the password void, as the closing of both lanes demands. */
  readonly voidPassword: (userId: string) => Promise<void>;
  /** Forgets every browser the person signed in from. */
  readonly forgetBrowsers: (userId: string) => Promise<void>;
  /** Ends every session of the person but `keep`, and half-way sign-ins; answers the new security stamp. */
  readonly endOtherSessions: (userId: string, keep: string | null) => Promise<string>;
  /** Throws `Fault` (`sign_in_gone`, 400) unless this still stands, and sees to it that it does until the end. */
  readonly holdProof: (userId: string, proof: Proof) => Promise<void>;
}

export interface SecondFactorSettings {
  readonly issuerName: string;
  readonly digits: 6 | 8;
  readonly periodSeconds: number;
  readonly windowSteps: number;
  readonly limits: ThrottleLimits;
  readonly pendingEnrolmentSeconds: number;
}

export type InSecondFactorTransaction = InTransaction<SecondFactorStores>;
export type InOneSecondFactorTrip = InOneTrip<SecondFactorStores>;

/** What whoever asks for a code does in the two round trips that a right one makes anyway. */
export interface Beside<Stores = SecondFactorStores> {
  /** Asked for with the charge. It must change nothing: whether the code is right is not known yet. */
  readonly read: (stores: Stores) => Promise<unknown>;
  /**
   * Called once the code was right: what is written with the acceptance. Undefined where more has to be done than one trip
   * can hold, or the person must set a new password first; then nothing is.
   */
  readonly follow: () => Following<Stores> | undefined;
}

export interface Following<Stores = SecondFactorStores> {
  /** About the person, recorded after the acceptance. */
  readonly events: readonly AuditEvent[];
  /** Fails (`lost_race`) where what was read does not stand any more; then the code is accepted without it. */
  readonly write: (stores: Stores) => Promise<unknown>;
}

/** One try of a code, at any door. */
export interface CodeAttempt {
  readonly userId: string;
  readonly challengeId: string;
  /** The interaction or session the challenge was opened for. */
  readonly boundTo: string;
  /** The lane of its challenge, for the early counters; the durable charge reads the challenge's own. */
  readonly lane: Lane;
  readonly code: string;
  readonly context: RequestContext;
}

export type CodeOutcome =
  /** Expected by everyone: wrong, replayed, early and late alike; the record tells them apart. */
  | { readonly kind: 'wrong' }
  /** The phone's clock is off by so many seconds; the code was not accepted and never will be. */
  | { readonly kind: 'clock-off'; readonly offsetSeconds: number }
  | { readonly kind: 'wait'; readonly retryAfterSeconds: number }
  /** Five tries are used up, or ten minutes passed: sign-in starts again at the password. */
  | { readonly kind: 'challenge-spent' }
  /** Closed for this browser or for the person: a recovery code or an operator helps. */
  | { readonly kind: 'closed' }
  /** The stored secret does not open: a support case and an alarm, never "no second factor". */
  | { readonly kind: 'secret-unreadable' };

/** The person must set a new password in this sign-in: too many guesses were made with the old one. */
export interface Acceptance {
  readonly kind: 'accepted';
  readonly passwordMustChange: boolean;
}
