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

export interface RelyingPartyStore {
  find(clientId: string): Promise<RelyingParty | undefined>;
  list(): Promise<RelyingParty[]>;
  /** Inserts or replaces; answers which. */
  put(relyingParty: RelyingParty): Promise<'created' | 'changed'>;
  remove(clientId: string): Promise<boolean>;
  addSecret(clientId: string, secretHash: string): Promise<void>;
  /** Hashes of the secrets that are valid now, two at most in use. */
  listSecretHashes(clientId: string): Promise<string[]>;
  replaceSecrets(clientId: string, secretHash: string): Promise<void>;
}
