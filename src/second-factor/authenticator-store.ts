import type { TotpAlgorithm } from '../domain/totp.ts';

/** An authenticator as it is stored; the secret stays sealed until the moment it is compared. */
export interface Authenticator {
  readonly id: string;
  readonly userId: string;
  readonly label: string;
  readonly secretSealed: string;
  readonly algorithm: TotpAlgorithm;
  readonly digits: 6 | 8;
  readonly periodSeconds: number;
  readonly driftSteps: number;
  readonly lastStep: number;
  readonly spentSteps: readonly number[];
  readonly createdAt: Date;
  readonly lastUsedAt: Date | null;
}

export interface PendingAuthenticator extends Authenticator {
  readonly expiresAt: Date;
  /** The session or interaction that started it, hashed. */
  readonly boundTo: string;
}

export interface NewAuthenticator {
  readonly id: string;
  readonly userId: string;
  readonly label: string;
  readonly secretSealed: string;
  readonly algorithm: TotpAlgorithm;
  readonly digits: 6 | 8;
  readonly periodSeconds: number;
}

export interface AuthenticatorStore {
  /** The confirmed ones of a person, oldest first. */
  listLive(userId: string): Promise<Authenticator[]>;
  /** The same, and nobody adds one until this transaction ends. */
  lockLive(userId: string): Promise<Authenticator[]>;
  /** The pending one of a person, unless it expired. */
  findPending(userId: string): Promise<PendingAuthenticator | undefined>;
  /** Replaces any earlier pending one: at most one exists, however many requests start at once. */
  putPending(authenticator: NewAuthenticator, boundTo: string, lifetimeSeconds: number): Promise<Date>;
  /** Takes one of the pending one's tries; undefined where none is left, it expired or is somebody else's. */
  chargeConfirm(
    userId: string,
    id: string,
    boundTo: string,
    mostTries: number,
  ): Promise<{ readonly pending: PendingAuthenticator; readonly triesLeft: number } | undefined>;
  /** Makes the pending one live; its confirming step counts as used. False where another was faster. */
  confirm(userId: string, id: string, timeStep: number, driftSteps: number, most: number): Promise<boolean>;
  dropPending(userId: string): Promise<void>;
  /**
   * Accepts a step once (RFC 6238 section 5.2): only if no such or newer step was accepted, it was not spent, and it is
   * not in the future of the database's own clock. Where any of these fails, a fault (`lost_race`) undoes the transaction.
   */
  accept(userId: string, id: string, timeStep: number, driftSteps: number): Promise<void>;
  /** Marks steps as spent without accepting them. */
  spend(userId: string, id: string, timeSteps: readonly number[]): Promise<void>;
  rename(userId: string, id: string, label: string): Promise<boolean>;
  /** Makes one unusable; the sealed row is kept 72 hours for an undo, then destroyed. */
  remove(userId: string, id: string, reason: string): Promise<boolean>;
  /** The same for all of a person, the pending one included; answers how many. */
  removeAll(userId: string, reason: string): Promise<number>;
  /**
   * Undoes what was done since then: those confirmed after it become void, those the person (or a recovery link) removed
   * after it are live again, with the steps they had accepted. What an operator's reset or the closing of both lanes made
   * void stays so.
   */
  undoSince(userId: string, since: Date): Promise<{ readonly voided: number; readonly restored: number }>;
  /** Inserts a confirmed one: imported, or set up in one act with the account. `lastStep` counts as used. */
  insertLive(authenticator: NewAuthenticator, lastStep?: number): Promise<void>;
}
