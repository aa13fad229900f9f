/** Somebody without authenticator and recovery code who waits for an operator. */
export interface HelpRequest {
  readonly id: string;
  readonly userId: string;
  readonly username: string;
  /** How the person can be reached, in their own words. Never believed: whoever wrote it has proven nothing. */
  readonly message: string;
  readonly address: string;
  readonly userAgent: string;
  readonly createdAt: Date;
  readonly answeredAt: Date | null;
  /** Who answered: an operator's id, `client:<id>` or `command-line`. */
  readonly answeredBy: string | null;
  /** What was done, in the operator's words. */
  readonly answer: string | null;
}

export interface HelpRequestStore {
  /**
   * Stores a request for whoever bears the name, unless nobody does, the account is disabled or `mostOpen` wait already.
   * Answers the person, and whether it was stored; one statement whatever the case, so that time tells nothing.
   */
  insert(
    request: {
      readonly id: string;
      readonly login: string;
      readonly message: string;
      readonly address: string;
      readonly userAgent: string;
    },
    mostOpen: number,
  ): Promise<string | undefined>;
  find(id: string): Promise<HelpRequest | undefined>;
  /** Oldest first; from after the row `after` on. */
  list(filter: {
    readonly open?: boolean | undefined;
    readonly userId?: string | undefined;
    readonly after?: string | undefined;
    readonly limit: number;
  }): Promise<HelpRequest[]>;
  /** Closes an open one: of any number of parallel calls one answers true. */
  answer(id: string, by: string, answer: string): Promise<boolean>;
}
