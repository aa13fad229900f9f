import type { Proof } from '../domain/proof.ts';
import type { AuditLog } from '../audit/audit-log.ts';
import type { Outbox } from '../notifications/outbox.ts';
import type { InTransaction } from '../transaction.ts';
import type { KnownBrowserStore } from './known-browser-store.ts';
import type { LinkStore } from './link-store.ts';
import type { SignInPersonStore } from './sign-in-person-store.ts';
import type { UserStore } from './user-store.ts';

/** What the use cases of accounts and passwords change together. */
export interface UsersStores {
  readonly users: UserStore;
  readonly knownBrowsers: KnownBrowserStore;
  readonly signInPeople: SignInPersonStore;
  readonly links: LinkStore;
  readonly audit: AuditLog;
  readonly outbox: Outbox;
  /**
   * Ends sessions, refresh tokens and half-way sign-ins of a person, the session `keep` apart. Answers the new security
   * stamp, with which the sign-in goes on that does this itself.
   */
  readonly endSessions: (userId: string, keep?: string | null) => Promise<string>;
  /** Throws `Fault` (`sign_in_gone`, 400) unless this still stands, and sees to it that it does until the end. */
  readonly holdProof: (userId: string, proof: Proof) => Promise<void>;
}

/** What operators' acts on accounts need beside. */
export interface ManageUsersStores extends UsersStores {
  /** Whether the person has a confirmed authenticator. */
  readonly hasFactor: (userId: string) => Promise<boolean>;
  /** Destroys the key under which the record keeps what is personal of somebody. */
  readonly erasePerson: (userId: string) => Promise<void>;
}

export type InUsersTransaction = InTransaction<UsersStores>;
