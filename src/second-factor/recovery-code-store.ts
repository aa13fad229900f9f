/** A stored recovery code that was not used yet. */
export interface StoredRecoveryCode {
  readonly id: string;
  /** The first group of one of our own codes, which names the row; null for imported ones. */
  readonly prefix: string | null;
  /** How an imported code is laid out before hashing; null for our own. */
  readonly pattern: string | null;
  readonly hash: string;
}

export interface RecoveryCodeStore {
  listUnused(userId: string): Promise<StoredRecoveryCode[]>;
  /** Makes all older codes void and stores the new set. */
  replace(userId: string, codes: readonly StoredRecoveryCode[]): Promise<void>;
  /** Uses a code once: of any number of parallel calls one answers true. */
  use(userId: string, id: string): Promise<boolean>;
  countUnused(userId: string): Promise<number>;
  voidAll(userId: string): Promise<void>;
}
