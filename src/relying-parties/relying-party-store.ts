import type { SecretToStore } from './client-secrets.ts';

/** A relying party as it is stored: its metadata in the names of RFC 7591, and what is ours beside it. */
export interface RelyingParty {
  readonly clientId: string;
  readonly metadata: Readonly<Record<string, unknown>>;
  /** Ours or the operator's own: consent is not asked. */
  readonly firstParty: boolean;
  readonly requirePkce: boolean;
  /** What every request of it needs, beside what it asks. */
  readonly acrValues: readonly string[];
}

/** With what the store knows of it. */
export interface StoredRelyingParty extends RelyingParty {
  readonly createdAt: Date;
  readonly updatedAt: Date;
  /** Raised at every change; the ETag of the admin API. */
  readonly version: number;
}

/** A secret as it may be shown: never itself. */
export interface ListedSecret {
  readonly id: string;
  readonly createdAt: Date;
  /** Null while it is valid without end. */
  readonly expiresAt: Date | null;
}

/** A secret as it is compared. */
export interface LiveSecret {
  readonly hash: string;
  /** Until it ends; null while it is valid without end. */
  readonly secondsLeft: number | null;
}

export interface RelyingPartyStore {
  find(clientId: string): Promise<RelyingParty | undefined>;
  list(): Promise<RelyingParty[]>;
  /** With its row locked until the transaction ends: acts on one relying party come one after the other. */
  lock(clientId: string): Promise<StoredRelyingParty | undefined>;
  read(clientId: string): Promise<StoredRelyingParty | undefined>;
  /** By `client_id`, from after `after` on; `query` is how `client_id` or name begin. */
  page(query: string | undefined, limit: number, after: string | undefined): Promise<StoredRelyingParty[]>;
  count(query: string | undefined): Promise<number>;
  /** Secrets that are valid now, oldest first. */
  listSecrets(clientId: string): Promise<ListedSecret[]>;
  removeSecret(clientId: string, secretId: string): Promise<boolean>;
  /** Lets all secrets but one end within so many seconds. */
  expireOtherSecrets(clientId: string, exceptId: string, seconds: number): Promise<void>;
  /** Inserts or replaces; answers which. */
  put(relyingParty: RelyingParty): Promise<'created' | 'changed'>;
  remove(clientId: string): Promise<boolean>;
  /** Answers the secret's id. */
  addSecret(clientId: string, secret: SecretToStore): Promise<string>;
  /** Hashes of the secrets that are valid now, two at most in use. */
  listSecretHashes(clientId: string): Promise<string[]>;
  /** The same with when each ends. */
  listLiveSecrets(clientId: string): Promise<LiveSecret[]>;
  /** The live secrets of a client that signs with them. Throws `SecretUnreadable`. */
  listKeptSecrets(clientId: string): Promise<string[]>;
  replaceSecrets(clientId: string, secret: SecretToStore): Promise<void>;
}
