import { sql, type Kysely } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    create table relying_parties (
      client_id text primary key,
      metadata jsonb not null,
      first_party boolean not null default false,
      require_pkce boolean not null default true,
      acr_values text[] not null default '{}',
      created_at timestamptz not null default now(),
      updated_at timestamptz not null default now(),
      version integer not null default 1
    )`.execute(db);
  await sql`
    create table relying_party_secrets (
      id uuid primary key,
      client_id text not null references relying_parties (client_id) on delete cascade,
      secret_hash text not null,
      created_at timestamptz not null default now(),
      expires_at timestamptz
    )`.execute(db);
  await sql`create index relying_party_secrets_client on relying_party_secrets (client_id)`.execute(db);
  await sql`
    create table sessions (
      uid text primary key,
      id_hash text unique,
      user_id uuid references users (id) on delete cascade,
      payload jsonb not null,
      authorizations jsonb not null default '{}',
      user_agent text not null default '',
      address text not null default '',
      created_at timestamptz not null default now(),
      last_seen_at timestamptz not null default now(),
      expires_at timestamptz not null,
      ended_at timestamptz,
      end_reason text
    )`.execute(db);
  await sql`create index sessions_user on sessions (user_id)`.execute(db);
  await sql`create index sessions_expiry on sessions (expires_at)`.execute(db);
  await sql`
    create table grants (
      id text primary key,
      user_id uuid not null references users (id) on delete cascade,
      client_id text not null,
      payload jsonb not null,
      created_at timestamptz not null default now(),
      expires_at timestamptz not null
    )`.execute(db);
  await sql`create index grants_user on grants (user_id, client_id)`.execute(db);
  await sql`create index grants_expiry on grants (expires_at)`.execute(db);
  // A token cannot outlive its grant: ending the grant ends them, and none can be written afterwards.
  await sql`
    create table tokens (
      id_hash text primary key,
      kind text not null,
      grant_id text not null references grants (id) on delete cascade,
      session_uid text,
      offline boolean not null default false,
      payload_sealed text not null,
      consumed_at timestamptz,
      answered_at timestamptz,
      expires_at timestamptz not null
    )`.execute(db);
  await sql`create index tokens_grant on tokens (grant_id)`.execute(db);
  await sql`create index tokens_expiry on tokens (expires_at)`.execute(db);
  await sql`
    create table used_once (
      kind text not null,
      id_hash text not null,
      expires_at timestamptz not null,
      primary key (kind, id_hash)
    )`.execute(db);
  await sql`create index used_once_expiry on used_once (expires_at)`.execute(db);
  await sql`
    create table consents (
      user_id uuid not null references users (id) on delete cascade,
      client_id text not null,
      scopes text[] not null,
      updated_at timestamptz not null default now(),
      primary key (user_id, client_id)
    )`.execute(db);
  await sql`
    create table signing_keys (
      kid text primary key,
      algorithm text not null,
      public_jwk jsonb not null,
      private_sealed text not null,
      created_at timestamptz not null default now(),
      retired_at timestamptz
    )`.execute(db);
}

export async function down(db: Kysely<unknown>): Promise<void> {
  await sql`
    drop table signing_keys, consents, used_once, tokens, grants, sessions, relying_party_secrets, relying_parties`.execute(
    db,
  );
}
