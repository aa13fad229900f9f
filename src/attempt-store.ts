/** One budget of attempts: so many at once, then one every so often. */
export interface AttemptLimit {
  /** What is limited, for example `account:<user>`; hashed into a key. */
  readonly subject: string;
  readonly burst: number;
  readonly refillSeconds: number;
}

/**
 * Budgets shared by all replicas. They stand in front of the durable limits and can only refuse: a lost or emptied
 * store costs round trips, never a durable limit.
 */
export interface AttemptStore {
  /**
   * Takes one attempt from every budget at once, or from none where one is used up.
   * Answers 0 where it was taken, else the seconds until the next one.
   */
  charge(limits: readonly AttemptLimit[]): Promise<number>;
  /** Fills a budget again, after a success. */
  clear(subject: string): Promise<void>;
}
