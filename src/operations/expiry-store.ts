/** What has outlived its time. Safe on all replicas at once: rows that another one is removing are passed over. */
export interface ExpiryStore {
  /**
   * Ends signed-in sessions whose absolute time is over, so that their relying parties are told, and removes up to `most`
   * rows of each kind that nothing can use any more. Answers how many rows it touched.
   */
  sweep(most: number): Promise<number>;
}

/** Sweeps until little is left or the turn is long enough: a flood of strangers' rows must not hold the database. */
export function createSweep(store: ExpiryStore, most = 500, mostTurns = 20): () => Promise<number> {
  return async () => {
    let total = 0;
    for (let turn = 0; turn < mostTurns; turn += 1) {
      const touched = await store.sweep(most);
      total += touched;
      if (touched < most) break;
    }
    return total;
  };
}
