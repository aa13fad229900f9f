import type { ColumnType, Generated } from 'kysely';

export interface OperatorTables {
  idempotent_answers: IdempotentAnswersTable;
}

/** Answers of the admin API by the hash of who asked and their Idempotency-Key; null while the work is under way. */
export interface IdempotentAnswersTable {
  key_hash: string;
  fingerprint: string;
  answer_sealed: string | null;
  begun_at: Generated<Date>;
  expires_at: ColumnType<Date, Date | string, Date | string>;
}
