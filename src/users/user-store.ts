import type { Role, User } from '../domain/user.ts';

export interface NewUser {
  readonly id: string;
  readonly username: string;
  readonly email: string | null;
  readonly emailVerified: boolean;
  readonly passwordHash: string | null;
  readonly roles: readonly Role[];
  readonly claims: Readonly<Record<string, unknown>>;
  readonly locale: string | null;
}

/** What of an account may be changed; what is left out stays. */
export interface UserChange {
  readonly username?: string;
  readonly email?: string | null;
  readonly emailVerified?: boolean;
  readonly claims?: Readonly<Record<string, unknown>>;
  readonly roles?: readonly Role[];
  readonly locale?: string | null;
  readonly zoneinfo?: string | null;
}

export interface UserStore {
  find(id: string): Promise<User | undefined>;
  /** By user name or address, whatever its case. */
  findByLogin(login: string): Promise<User | undefined>;
  /** Throws `Conflict` (`login_taken`) where the name or address is anybody's name or address. */
  insert(user: NewUser): Promise<void>;
  /** By user name, from after `after` on. */
  list(limit: number, after: string | undefined): Promise<User[]>;
  /** Sets a new password and raises its version. */
  setPassword(id: string, passwordHash: string): Promise<void>;
  /** Leaves the person without a password. */
  voidPassword(id: string): Promise<void>;
  /** Stores a dearer hash of the same password, only where `oldHash` still stands. */
  replaceHash(id: string, oldHash: string, newHash: string): Promise<boolean>;
  /**
   * Sets the address, under which the person can sign in too. Throws `Conflict` (`login_taken`) where it is anybody
   * else's name or address, or was within 72 hours.
   */
  setEmail(id: string, email: string | null, verified: boolean): Promise<void>;
  /**
   * Brings back the address that stood at `since`, and forgets those that came after it. Answers whether one was changed
   * since then; the one that stood is then the account's again.
   */
  restoreEmail(id: string, since: Date): Promise<boolean>;
  setDisabled(id: string, disabled: boolean): Promise<boolean>;
  /** Counts a wrong password from a browser we do not know; answers how many came in a row. */
  countWrongPassword(id: string): Promise<number>;
  clearWrongPasswords(id: string): Promise<void>;
  /**
   * Changes a person, only where `expectedVersion` still stands if one is given; undefined where nobody was changed.
   * Throws `Conflict` (`login_taken`).
   */
  update(id: string, change: UserChange, expectedVersion: number | undefined): Promise<User | undefined>;
  /** Deletes the account with all that hangs on it. */
  remove(id: string): Promise<boolean>;
  /** The enabled operators, locked until the transaction ends: of two acts on the last two the second sees the first. */
  lockOperators(): Promise<string[]>;
  countOperators(): Promise<number>;
}
