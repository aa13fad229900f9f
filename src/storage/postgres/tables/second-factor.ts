import type { ColumnType, Generated } from 'kysely';
import type { Lane } from '../../../domain/throttle.ts';
import type { TotpAlgorithm } from '../../../domain/totp.ts';

export interface SecondFactorTables {
  authenticators: AuthenticatorsTable;
  recovery_codes: RecoveryCodesTable;
  guards: GuardsTable;
  challenges: ChallengesTable;
}

/** bigint comes back as text; steps fit a number until the year 285,616. */
type Step = ColumnType<string, number | string | undefined, number | string>;

export interface AuthenticatorsTable {
  id: string;
  user_id: string;
  label: string;
  secret_sealed: string;
  algorithm: TotpAlgorithm;
  digits: number;
  period_seconds: number;
  drift_steps: Generated<number>;
  last_step: Step;
  spent_steps: ColumnType<string[], number[] | undefined, number[]>;
  bound_to: string;
  confirm_tries: Generated<number>;
  created_at: Generated<Date>;
  expires_at: Date | null;
  confirmed_at: Date | null;
  last_used_at: Date | null;
  voided_at: Date | null;
  void_reason: string | null;
}

export interface RecoveryCodesTable {
  id: string;
  user_id: string;
  set_id: string;
  prefix: string | null;
  pattern: string | null;
  hash: string;
  created_at: Generated<Date>;
  used_at: Date | null;
  voided_at: Date | null;
  void_reason: string | null;
}

export interface GuardsTable {
  user_id: string;
  total: Generated<number>;
  known_units: Generated<number>;
  known_in_a_row: Generated<number>;
  known_next_try_at: Date | null;
  known_day_started_at: Date | null;
  known_day_units: Generated<number>;
  other_units: Generated<number>;
  other_in_a_row: Generated<number>;
  other_next_try_at: Date | null;
  other_day_started_at: Date | null;
  other_day_units: Generated<number>;
  told_at_units: Generated<number>;
}

export interface ChallengesTable {
  id: string;
  user_id: string;
  lane: Lane;
  purpose: string;
  bound_to: string;
  address: Generated<string>;
  user_agent: Generated<string>;
  tries: Generated<number>;
  units: Generated<number>;
  day_started_at: Date | null;
  early_offset: number | null;
  early_step: string | null;
  opened_at: Generated<Date>;
  expires_at: Date;
  closed_at: Date | null;
  outcome: 'accepted' | 'spent' | 'void' | null;
}
