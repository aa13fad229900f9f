import type { Role, User } from '../domain/user.ts';

/** How far a person's second factor is; `closed` where guessing closed it. */
export type FactorState = 'enabled' | 'pending' | 'none' | 'closed';
/** `pending` has no password yet, or none any more: a link sets one. */
export type UserStatus = 'active' | 'disabled' | 'pending';

export interface UserFilter {
  /** How the user name, the address or the name begins, or a whole id. */
  readonly query?: string | undefined;
  readonly status?: UserStatus | undefined;
  readonly secondFactor?: FactorState | undefined;
  readonly role?: Role | undefined;
}

export interface ListedAuthenticator {
  readonly id: string;
  readonly label: string;
  readonly createdAt: Date;
  readonly lastUsedAt: Date | null;
}

/** A person with what an operator wants to see of the second factor at a glance. */
export interface ListedUser {
  readonly user: User;
  readonly status: UserStatus;
  readonly secondFactor: {
    readonly state: FactorState;
    readonly authenticators: readonly ListedAuthenticator[];
    readonly recoveryCodesRemaining: number;
    readonly lastUsedAt: Date | null;
  };
}

/** How many people there are of a kind. */
export interface CoverageRow {
  readonly status: UserStatus;
  readonly state: FactorState;
  /** '' for people without a role. */
  readonly role: Role | '';
  readonly count: number;
}

/** Reading for operators over accounts and their second factors. */
export interface UserDirectory {
  /** By user name, from after the user name `after` on. */
  list(filter: UserFilter, limit: number, after: string | undefined): Promise<ListedUser[]>;
  find(id: string): Promise<ListedUser | undefined>;
  /** How many the filter finds, counted up to `most`. */
  count(filter: UserFilter, most: number): Promise<number>;
  coverage(): Promise<CoverageRow[]>;
  /** User names by id, of those that are there. */
  namesOf(ids: readonly string[]): Promise<ReadonlyMap<string, string>>;
}
