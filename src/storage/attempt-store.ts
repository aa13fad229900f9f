/** One counter of attempts: what it counts, how many it lets through, and how long it remembers. */
export interface AttemptLimit {
  /** What is counted, for example `lane:other:<user>`; hashed into a key. */
  readonly subject: string;
  readonly most: number;
  readonly windowSeconds: number;
}

/**
 * Counters that refuse early, shared by all replicas. They stand before the durable charge and can only refuse: a lost
 * or emptied store costs round trips, never a limit.
 */
export interface AttemptStore {
  /**
   * Counts one attempt against every limit at once, or against none where one is used up.
   * Answers 0 where it was counted, else the seconds until the refusing window ends.
   */
  charge(limits: readonly AttemptLimit[]): Promise<number>;
  /** Forgets a subject, after a success. */
  clear(subject: string): Promise<void>;
}
