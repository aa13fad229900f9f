import type { User } from '../domain/user.ts';

/** Somebody who signs in, with what an attempt at their password depends on. */
export interface SignInPerson {
  readonly user: User;
  /** Whether the browser completed a sign-in of this person before, as its cookie proves. */
  readonly isKnownBrowser: boolean;
  /** From browsers we do not know. */
  readonly wrongPasswordsInARow: number;
}

/** Somebody who proved to be somebody, with what the end of the sign-in depends on. */
export interface ProvenPerson {
  readonly user: User;
  readonly isKnownBrowser: boolean;
  readonly liveSessions: number;
  /** Challenges that were left with wrong codes between this sign-in and the one before it. */
  readonly failedChallenges: number;
}

export interface SignInPersonStore {
  /** By user name or address, whatever its case; the hash is that of the browser's cookie, where it has one. */
  findByLogin(login: string, browserTokenHash: string | undefined): Promise<SignInPerson | undefined>;
  /** `isAccepted`: whether the challenge of this sign-in is accepted already, and so the last one that was. */
  findProven(
    userId: string,
    browserTokenHash: string | undefined,
    isAccepted: boolean,
  ): Promise<ProvenPerson | undefined>;
  /**
   * In the transaction of an acceptance, after it: fails (`lost_race`) and so undoes it unless the person is as
   * `findProven` read them, without a failed challenge and with fewer units than demand a new password.
   */
  failUnlessAsRead(read: {
    readonly userId: string;
    readonly securityStamp: string;
    readonly changePasswordAt: number;
  }): Promise<void>;
}
