import type { TotpAlgorithm } from '../domain/totp.ts';
import type { User } from '../domain/user.ts';
import type { NewUser } from './user-store.ts';

/** A factor that another system made, as it is handed over to the second factor's own tables. */
export interface ImportedAuthenticator {
  readonly secret: Buffer;
  readonly algorithm: TotpAlgorithm;
  readonly digits: 6 | 8;
  readonly periodSeconds: number;
  readonly label: string;
}

/** Hashes of unused codes; what is typed is laid into the pattern before it is compared. */
export interface ImportedRecoveryCodes {
  readonly pattern: string;
  readonly hashes: readonly string[];
}

/** Somebody who is new here, with all they bring. */
export interface ImportedPerson {
  readonly user: NewUser;
  readonly authenticators: readonly ImportedAuthenticator[];
  readonly recoveryCodes: ImportedRecoveryCodes | undefined;
}

/** Reads and writes many people with one statement a table. */
export interface ImportStore {
  /** Whose each of these folded names or addresses is; those that are nobody's are left out. */
  findTaken(names: readonly string[]): Promise<ReadonlyMap<string, User>>;
  /**
   * Inserts them all, at most 200. Throws `Conflict` (`login_taken`) where a name was taken meanwhile; the transaction is
   * lost with it.
   */
  insertAll(people: readonly ImportedPerson[]): Promise<void>;
}
