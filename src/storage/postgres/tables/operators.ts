import type { ColumnType, Generated } from 'kysely';

export interface OperatorTables {
  idempotent_answers: IdempotentAnswersTable;
  encryption_keys: EncryptionKeysTable;
}

/** Answers of the admin API by the hash of who asked and their Idempotency-Key; null while the work is under way. */
export interface IdempotentAnswersTable {
  key_hash: string;
  fingerprint: string;
  answer_sealed: string | null;
  begun_at: Generated<Date>;
  expires_at: ColumnType<Date, Date | string, Date | string>;
}

/** Every key of the ring there ever was. */
export interface EncryptionKeysTable {
  id: string;
  /** A known value under this key. */
  check_sealed: string;
  created_at: Generated<Date>;
  /** From when every replica has it. */
  seals_from: Date;
  /** Since when nothing is sealed with it. */
  emptied_at: Date | null;
}
