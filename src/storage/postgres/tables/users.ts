import type { ColumnType, Generated } from 'kysely';
import type { Role } from '../../../domain/user.ts';

export interface UserTables {
  users: UsersTable;
  login_names: LoginNamesTable;
  known_browsers: KnownBrowsersTable;
  links: LinksTable;
  help_requests: HelpRequestsTable;
}

type Json = ColumnType<Record<string, unknown>, string, string>;

export interface UsersTable {
  id: string;
  username: string;
  email: string | null;
  email_verified: Generated<boolean>;
  password_hash: string | null;
  password_version: Generated<number>;
  security_stamp: Generated<string>;
  password_changed_at: Date | null;
  disabled_at: Date | null;
  roles: Role[];
  claims: Json;
  locale: string | null;
  zoneinfo: string | null;
  wrong_passwords_in_a_row: Generated<number>;
  created_at: Generated<Date>;
  updated_at: Generated<Date>;
  version: Generated<number>;
}

/** Every name a person may type to sign in, folded; unique over names and addresses together. */
export interface LoginNamesTable {
  name: string;
  user_id: string;
  kind: 'username' | 'email';
}

export interface KnownBrowsersTable {
  token_hash: string;
  user_id: string;
  user_agent: string;
  created_at: Generated<Date>;
  last_used_at: Generated<Date>;
  expires_at: ColumnType<Date, Date | string, Date | string>;
  /** No second factor was proven in it; good for the password's budget, not for a first enrolment. */
  by_password_alone: Generated<boolean>;
}

/** Single-use links: activation, reset, recovery, the first operator. */
export interface LinksTable {
  token_hash: string;
  purpose: string;
  user_id: string | null;
  details: Json;
  created_at: Generated<Date>;
  expires_at: ColumnType<Date, Date | string, Date | string>;
  used_at: Date | null;
}

/** People who cannot sign in and ask the operators. */
export interface HelpRequestsTable {
  id: string;
  user_id: string;
  message: string;
  address: string;
  user_agent: string;
  created_at: Generated<Date>;
  answered_at: Date | null;
  answered_by: string | null;
  answer: string | null;
}
