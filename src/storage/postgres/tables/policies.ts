import type { Generated } from 'kysely';

export interface PolicyTables {
  policies: PoliciesTable;
  enrolment_grace: EnrolmentGraceTable;
  trusted_browsers: TrustedBrowsersTable;
}

export interface PoliciesTable {
  key: string;
  /** For a policy of one person; it goes with them. */
  user_id: string | null;
  second_factor: 'required' | 'optional';
  grace_days: number;
  acr_values: string[];
  trusted_browser_days: number | null;
  source: 'settings' | 'operator';
  /** An operator took back what a settings file says. */
  deleted_at: Date | null;
  created_at: Generated<Date>;
  updated_at: Generated<Date>;
  version: Generated<number>;
}

/** When a person's grace for enrolment began; written once. */
export interface EnrolmentGraceTable {
  user_id: string;
  started_at: Date;
}

/** Rows go by triggers with the password and with the last authenticator. */
export interface TrustedBrowsersTable {
  id: string;
  token_hash: string;
  user_id: string;
  client_id: string;
  user_agent: string;
  address: string;
  trusted_at: Date;
  last_used_at: Date | null;
  expires_at: Date;
}
