import type { AuditLog } from '../audit/audit-log.ts';
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
  readonly secondFactorState: (userId: string) => Promise<SecondFactorState>;
}

export interface SecondFactorState {
  readonly hasFactor: boolean;
  /** Guessing closed it: neither a password alone nor a trusted browser opens anything. */
  readonly isClosed: boolean;
  /** Codes were guessed so often that no trusted browser stands in for one. */
  readonly isGuessedAt: boolean;
}

export type InPolicyTransaction = InTransaction<PolicyStores>;
