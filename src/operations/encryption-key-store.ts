import type { SecretContext } from '../crypto/secret-box.ts';

/** A column of sealed values, and what each of them is bound to. */
export interface SealedColumn {
  readonly table: string;
  readonly column: string;
  /** The primary key, one column. */
  readonly key: string;
  readonly keyType: 'uuid' | 'text';
  /** Further columns that the context is made of. */
  readonly also?: readonly string[];
  readonly context: (row: SealedRow) => SecretContext;
}

export interface SealedRow {
  readonly key: string;
  readonly sealed: string;
  readonly also: Readonly<Record<string, string>>;
}

/** A key that the database has seen. */
export interface KnownKey {
  readonly id: string;
  /** A fixed value under this key. */
  readonly checkSealed: string;
  /** Whether it has been known for long enough that every replica has it in its ring. */
  readonly maySeal: boolean;
  /** Seconds since nothing was found sealed with it, or null where something may be. */
  readonly emptySeconds: number | null;
}

/** What the database knows of the keys and of what they seal. */
export interface EncryptionKeyStore {
  listKeys(): Promise<KnownKey[]>;
  /** Does nothing where the id is known. It may seal after `waitSeconds`. */
  addKey(id: string, checkSealed: string, waitSeconds: number): Promise<void>;
  /** Lets it seal from now on. */
  letSeal(id: string): Promise<void>;
  /** Notes that nothing is sealed with these keys any more, where that is not noted yet; for all others that something may be. */
  noteEmpty(ids: readonly string[]): Promise<void>;
  /** The next rows of a column after a primary key, in its order; those without a value are not among them. */
  readSlice(column: SealedColumn, after: string | null, most: number): Promise<SealedRow[]>;
  /** Puts new values in place of old ones, each only where the old one still stands; answers how many. */
  exchange(
    column: SealedColumn,
    changes: readonly { readonly key: string; readonly before: string; readonly after: string }[],
  ): Promise<number>;
  /** True for one transaction at a time, until its end. */
  lockResealing(): Promise<boolean>;
  /** How many seals of the record each key made; these are never changed. */
  countAuditSeals(): Promise<ReadonlyMap<string, number>>;
}
