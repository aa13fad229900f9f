export interface KnownBrowserStore {
  /** Stores the hash of a new browser's token for 90 days. */
  insert(tokenHash: string, userId: string, userAgent: string): Promise<void>;
  /** Whether the token's hash is a live one of this very person. Looking prolongs nothing. */
  isKnown(tokenHash: string, userId: string): Promise<boolean>;
  /** After a complete sign-in: known for 90 days from now. Answers whether there was such a live one of this person. */
  renew(tokenHash: string, userId: string): Promise<boolean>;
  /** Forgets all browsers of a person. */
  forgetAll(userId: string): Promise<void>;
}
