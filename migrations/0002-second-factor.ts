import { sql, type Kysely } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    create table authenticators (
      id uuid primary key,
      user_id uuid not null references users (id) on delete cascade,
      label text not null,
      secret_sealed text not null,
      algorithm text not null check (algorithm in ('SHA1', 'SHA256', 'SHA512')),
      digits smallint not null check (digits in (6, 8)),
      period_seconds smallint not null check (period_seconds between 15 and 120),
      drift_steps smallint not null default 0 check (drift_steps between -4 and 4),
      last_step bigint not null default -1,
      spent_steps bigint[] not null default '{}',
      bound_to text not null,
      confirm_tries smallint not null default 0,
      created_at timestamptz not null default now(),
      expires_at timestamptz,
      confirmed_at timestamptz,
      last_used_at timestamptz,
      voided_at timestamptz,
      void_reason text
    )`.execute(db);
  await sql`
    create unique index authenticators_one_pending on authenticators (user_id)
    where confirmed_at is null and voided_at is null`.execute(db);
  await sql`create index authenticators_user on authenticators (user_id)`.execute(db);
  await sql`
    create table recovery_codes (
      id uuid primary key,
      user_id uuid not null references users (id) on delete cascade,
      set_id uuid not null,
      prefix text,
      pattern text,
      hash text not null,
      created_at timestamptz not null default now(),
      used_at timestamptz,
      voided_at timestamptz
    )`.execute(db);
  await sql`create index recovery_codes_user on recovery_codes (user_id) where used_at is null and voided_at is null`.execute(
    db,
  );
  // Both lanes stand in the person's one row, so that one lock and one condition decide over all limits.
  await sql`
    create table guards (
      user_id uuid primary key references users (id) on delete cascade,
      total integer not null default 0 check (total >= 0),
      known_units integer not null default 0 check (known_units >= 0),
      known_in_a_row integer not null default 0 check (known_in_a_row >= 0),
      known_next_try_at timestamptz,
      known_day_started_at timestamptz,
      known_day_units integer not null default 0 check (known_day_units >= 0),
      other_units integer not null default 0 check (other_units >= 0),
      other_in_a_row integer not null default 0 check (other_in_a_row >= 0),
      other_next_try_at timestamptz,
      other_day_started_at timestamptz,
      other_day_units integer not null default 0 check (other_day_units >= 0),
      told_at_units integer not null default 0
    )`.execute(db);
  await sql`
    create table challenges (
      id uuid primary key,
      user_id uuid not null references users (id) on delete cascade,
      lane text not null check (lane in ('known', 'other')),
      purpose text not null,
      bound_to text not null,
      tries smallint not null default 0,
      units integer not null default 0,
      day_started_at timestamptz,
      early_offset smallint,
      early_step bigint,
      opened_at timestamptz not null default now(),
      expires_at timestamptz not null,
      closed_at timestamptz,
      outcome text check (outcome in ('accepted', 'spent', 'void'))
    )`.execute(db);
  await sql`create index challenges_user on challenges (user_id, opened_at)`.execute(db);
  await sql`create index challenges_expiry on challenges (expires_at)`.execute(db);
}

export async function down(db: Kysely<unknown>): Promise<void> {
  await sql`drop table challenges, guards, recovery_codes, authenticators`.execute(db);
}
