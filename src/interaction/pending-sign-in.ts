import { noSecurityStamp } from '../domain/proof.ts';
import type { Lane } from '../domain/throttle.ts';
import type { ShortLivedRecords } from '../short-lived-records.ts';

/**
 * What has been proven so far in one interaction. It is kept beside the engine's session, never in it: until both
 * factors are proven no session exists that any other door could mistake for a signed-in person.
 */
export interface PendingSignIn {
  /** Changes with every proof; forms are bound to it, so one drawn before a proof is refused after it. */
  readonly id: string;
  readonly userId: string;
  /** The name as it was typed: the page tells nothing that its reader did not know. */
  readonly accountName: string;
  /** `sign-in` began with a password here; `step-up` continues a session that proved it earlier. */
  readonly kind: 'sign-in' | 'step-up';
  /** When the password was proven, in epoch seconds. */
  readonly passwordProvenAt: number;
  /** The person's when the password was proven; once it is another one, what was begun here is over. */
  readonly securityStamp: string;
  readonly lane: Lane;
  readonly challengeId: string | null;
  /** The factor beside the password, once it was accepted. */
  readonly proven: ProvenFactor | null;
  readonly passwordMustChange: boolean;
  /** Whether the person has no factor and enrols one here. */
  readonly enrols: boolean;
  /** Whether the person chose to enrol later, which their grace period allowed. */
  readonly enrolmentDeferred: boolean;
  /** Days for which the person wants this browser trusted once the sign-in is complete; 0 where they do not. */
  readonly trustDays: number;
  /** Whether the person asked for the recovery-code page. */
  readonly useRecoveryCode: boolean;
  /** Recovery codes left after one was used here. */
  readonly recoveryCodesRemaining: number | null;
  /** What the use of a recovery code, or codes that nobody said they kept, lead to before the sign-in goes on. */
  readonly followUp?: 'replace-authenticator' | 'new-recovery-codes' | undefined;
  readonly timesCodesShown?: number;
  /** Where the finished interaction continues; a repeated submission gets the same answer. */
  readonly finishedAt: string | null;
}

export interface ProvenFactor {
  readonly factor: 'otp' | 'recovery-code';
  /** Epoch seconds. */
  readonly at: number;
}

export interface PendingSignIns {
  /** The record of this interaction, or undefined where nothing was proven or it expired. */
  read(uid: string): Promise<PendingSignIn | undefined>;
  /** Writes the whole record; it lives ten minutes from the last proof. */
  write(uid: string, pending: PendingSignIn): Promise<void>;
  remove(uid: string): Promise<void>;
  /** Whether nobody did this in this sign-in before, or lately: of parallel requests one hears so. */
  once(uid: string, what: string): Promise<boolean>;
}

/** NIST SP 800-63B-4 section 4.1.2.2 gives a binding ten minutes; a half-way sign-in gets no longer. */
const lifetimeSeconds = 600;
/** Longer than the act takes, and short enough to be tried again where it was broken off. */
const onceSeconds = 30;
const recordKind = 'pending-sign-in';

/** Keeps half-way sign-ins in short-lived records. Losing them only sends people back to the password. */
export function createPendingSignIns(records: ShortLivedRecords): PendingSignIns {
  return {
    async read(uid) {
      const stored = await records.read(recordKind, uid);
      if (stored === undefined || stored === null) return undefined;
      // Written by a version that knew of none: what does not say what was proven proves nothing.
      return { securityStamp: noSecurityStamp, ...(JSON.parse(stored) as Omit<PendingSignIn, 'securityStamp'>) };
    },
    async write(uid, pending) {
      await records.put(recordKind, uid, JSON.stringify(pending), lifetimeSeconds);
    },
    once: (uid, what) => records.create(`${recordKind}-once`, `${uid}:${what}`, '1', onceSeconds),
    async remove(uid) {
      await records.remove(recordKind, uid);
    },
  };
}
