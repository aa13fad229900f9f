/** A stored recovery code that was not used yet. */
export interface StoredRecoveryCode {
  readonly id: string;
  /** The first group of one of our own codes, which names the row; null for imported ones. */
  readonly prefix: string | null;
  /** How an imported code is laid out before hashing; null for our own. */
  readonly pattern: string | null;
  readonly hash: string;
}

export interface RecoveryCodeSetFacts {
  readonly total: number;
  readonly unused: number;
  readonly createdAt: Date | null;
}

export interface RecoveryCodeStore {
  listUnused(userId: string): Promise<StoredRecoveryCode[]>;
  /** Makes all older codes void and stores the new set. */
  replace(userId: string, codes: readonly StoredRecoveryCode[]): Promise<void>;
  /** Uses a code once: of any number of parallel calls one answers true. */
  use(userId: string, id: string): Promise<boolean>;
  countUnused(userId: string): Promise<number>;
  /** The set in force: how many it had, how many are left, and when it was made. */
  describeSet(userId: string): Promise<RecoveryCodeSetFacts>;
  /** `reason` decides whether an undo brings them back: it does for `replaced` and `removed`, for nothing else. */
  voidAll(userId: string, reason: VoidReason): Promise<void>;
  /** Makes sets that were made after `since` void and brings back the one that stood then. Answers whether any changed. */
  undoSince(userId: string, since: Date): Promise<boolean>;
}

export type VoidReason = 'replaced' | 'removed' | 'reset' | 'undone';
