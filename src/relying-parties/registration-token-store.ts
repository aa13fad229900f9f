/** Tokens of dynamic client registration, by their hashes. */
export interface RegistrationTokenStore {
  addInitial(id: string, tokenHash: string, uses: number, lifetimeSeconds: number): Promise<void>;
  /** Takes one use of an initial access token, where one is left; answers its id. */
  spendInitial(tokenHash: string): Promise<string | undefined>;
  /** The one token by which a relying party manages itself. */
  setOwn(clientId: string, tokenHash: string): Promise<void>;
  /** Whose token this is, its row locked until the transaction ends. */
  findOwner(tokenHash: string): Promise<string | undefined>;
}
