import type { PolicyKey, PolicyRule } from '../domain/policy.ts';

export interface StoredPolicy {
  readonly key: PolicyKey;
  readonly rule: PolicyRule;
  /** Whether it stands as the settings file says, or an operator wrote it. */
  readonly source: 'settings' | 'operator';
  readonly updatedAt: Date;
  /** Raised at every change; the ETag of the admin API. */
  readonly version: number;
}

export interface PolicyStore {
  find(key: PolicyKey): Promise<StoredPolicy | undefined>;
  /** Those of the keys that there are, in one query. */
  findAll(keys: readonly PolicyKey[]): Promise<StoredPolicy[]>;
  /** All there are, by key. */
  list(): Promise<StoredPolicy[]>;
  /** Inserts or replaces what an operator wrote. Throws NotFound for a person who is not there. */
  put(key: PolicyKey, rule: PolicyRule): Promise<StoredPolicy>;
  /** Takes it back, for the settings file too; answers whether there was one. */
  remove(key: PolicyKey): Promise<boolean>;
  /** Makes a policy of the settings file so, unless an operator wrote or removed one; answers whether it changed. */
  seed(key: PolicyKey, rule: PolicyRule): Promise<boolean>;
  /** Removes what an earlier settings file said and this one does not; answers what went. */
  unseed(keptKeys: readonly PolicyKey[]): Promise<PolicyKey[]>;
}

export interface EnrolmentGraceStore {
  /** Begins a person's grace unless it ever began; answers when it did. */
  begin(userId: string, at: Date): Promise<Date>;
  /** When it began, or undefined. */
  find(userId: string): Promise<Date | undefined>;
}
