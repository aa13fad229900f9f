import type { AuditLog } from '../audit/audit-log.ts';
import type { NamedRule } from '../domain/policy.ts';
import type { GuardState } from '../domain/throttle.ts';
import type { User } from '../domain/user.ts';
import type { InTransaction } from '../transaction.ts';
import type { EnrolmentGraceStore, PolicyStore } from './policy-store.ts';

/** What the policy reads of other features, and changes of its own, in one transaction. */
export interface PolicyStores {
  readonly policies: PolicyStore;
  readonly graces: EnrolmentGraceStore;
  readonly audit: AuditLog;
  readonly users: { find(id: string): Promise<User | undefined> };
  /** The `acr` values a relying party always needs, all of them; undefined where there is no such relying party. */
  readonly clientAcrValues: (clientId: string) => Promise<readonly string[] | undefined>;
  readonly standing: {
    read(userId: string, clientId: string): Promise<Standing>;
    /** The same of whoever has this name or address; undefined where nobody has. */
    readByLogin(login: string, clientId: string): Promise<Standing | undefined>;
  };
}

/** What the person, the relying party and the policies contribute to a sign-in, as they stand. */
export interface Standing {
  readonly userId: string;
  readonly guard: GuardState;
  /** The confirmed ones, oldest first. */
  readonly authenticators: readonly ListedAuthenticator[];
  /** The `acr` values that the relying party always needs, all of them; undefined where there is no such one. */
  readonly clientAcrValues: readonly string[] | undefined;
  /** The policies that apply to this person, with these roles, at this relying party. */
  readonly rules: readonly NamedRule[];
}

export interface ListedAuthenticator {
  readonly id: string;
  readonly label: string;
  readonly digits: 6 | 8;
}

export type InPolicyTransaction = InTransaction<PolicyStores>;
