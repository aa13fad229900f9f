export interface TrustedBrowser {
  readonly id: string;
  /** The relying party at whose sign-in the person had the browser trusted. */
  readonly clientId: string;
  /** What names it to people. */
  readonly userAgent: string;
  readonly address: string;
  readonly trustedAt: Date;
  readonly lastUsedAt: Date | null;
  readonly expiresAt: Date;
}

export interface NewTrustedBrowser extends Omit<TrustedBrowser, 'lastUsedAt'> {
  readonly tokenHash: string;
  readonly userId: string;
}

/** Browsers a person trusts. They end with the password and with the last authenticator, whatever ends those. */
export interface TrustedBrowserStore {
  insert(browser: NewTrustedBrowser): Promise<void>;
  /** The live one of this very person that the token's hash proves. */
  find(tokenHash: string, userId: string, now: Date): Promise<TrustedBrowser | undefined>;
  markUsed(id: string, now: Date): Promise<void>;
  /** Live ones, newest first. */
  list(userId: string, now: Date): Promise<TrustedBrowser[]>;
  /** Whether there was such a one of this person. */
  remove(userId: string, id: string): Promise<boolean>;
  removeAll(userId: string): Promise<number>;
}
