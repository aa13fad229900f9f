/** What nobody can use any more. */
export interface LeftoverStore {
  /**
   * Destroys, so many rows of each table at most: what "this was not me" can no longer bring back (removed
   * authenticators with their secrets, void recovery codes, old addresses), links whose time is over, browsers not seen
   * for ninety days, budgets, mails and logout messages that left long ago. Answers how many. Safe on all replicas at once.
   */
  destroy(most: number): Promise<number>;
}
