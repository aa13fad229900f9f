export interface KnownBrowserStore {
  /** Stores the hash of a new browser's token for 90 days. `byPasswordAlone`: nothing else was proven in it. */
  insert(tokenHash: string, userId: string, userAgent: string, byPasswordAlone?: boolean): Promise<void>;
  /**
   * Whether the token's hash is a live one of this very person; with `beyondPassword`, one in which more than a password
   * was proven. Looking prolongs nothing.
   */
  isKnown(tokenHash: string, userId: string, beyondPassword?: boolean): Promise<boolean>;
  /**
   * After a complete sign-in: known for 90 days from now, and beyond the password unless `byPasswordAlone`. Answers
   * whether there was such a live one of this person.
   */
  renew(tokenHash: string, userId: string, byPasswordAlone?: boolean): Promise<boolean>;
  /** Forgets all browsers of a person. */
  forgetAll(userId: string): Promise<void>;
}
