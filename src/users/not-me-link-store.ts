/** The levers in mails: "this was not me". Apart from other links, which whoever changes the password makes void. */
export interface NotMeLinkStore {
  issue(tokenHash: string, userId: string): Promise<void>;
  /** Whose it is, if it could be used now; looking does not use it. */
  peek(tokenHash: string): Promise<string | undefined>;
  /**
   * Uses it once, and all others of the person with it. `since` is where the undoing begins: 72 hours ago, or the last
   * time such a link was used, so that what its owner set up afterwards stays.
   */
  use(tokenHash: string): Promise<{ readonly userId: string; readonly since: Date } | undefined>;
}
