import { sql, type Kysely } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    create table users (
      id uuid primary key,
      username text not null,
      email text,
      email_verified boolean not null default false,
      password_hash text,
      password_version integer not null default 1,
      password_changed_at timestamptz,
      disabled_at timestamptz,
      roles text[] not null default '{}',
      claims jsonb not null default '{}',
      locale text,
      zoneinfo text,
      wrong_passwords_in_a_row integer not null default 0,
      created_at timestamptz not null default now(),
      updated_at timestamptz not null default now(),
      version integer not null default 1
    )`.execute(db);
  // One namespace for names and addresses: a name equal to somebody's address would sign in as either of them.
  await sql`
    create table login_names (
      name text primary key,
      user_id uuid not null references users (id) on delete cascade,
      kind text not null check (kind in ('username', 'email'))
    )`.execute(db);
  await sql`create unique index login_names_user_kind on login_names (user_id, kind)`.execute(db);
  await sql`create index users_created on users (created_at, id)`.execute(db);
  await sql`create index users_operators on users (id) where 'operator' = any (roles)`.execute(db);
  await sql`
    create table known_browsers (
      token_hash text primary key,
      user_id uuid not null references users (id) on delete cascade,
      user_agent text not null,
      created_at timestamptz not null default now(),
      last_used_at timestamptz not null default now(),
      expires_at timestamptz not null
    )`.execute(db);
  await sql`create index known_browsers_user on known_browsers (user_id)`.execute(db);
  await sql`
    create table links (
      token_hash text primary key,
      purpose text not null,
      user_id uuid references users (id) on delete cascade,
      details jsonb not null default '{}',
      created_at timestamptz not null default now(),
      expires_at timestamptz not null,
      used_at timestamptz
    )`.execute(db);
  await sql`create index links_user on links (user_id, purpose)`.execute(db);
}

export async function down(db: Kysely<unknown>): Promise<void> {
  await sql`drop table links, known_browsers, login_names, users`.execute(db);
}
