import { sql, type Kysely } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  // Secrets of the service that must never change, whatever rotates around them; made at the first start.
  await sql`
    create table service_secrets (
      name text primary key check (name ~ '^[a-z-]{1,50}$'),
      value_sealed text not null,
      created_at timestamptz not null default now()
    )`.execute(db);
  await sql`
    create table initial_access_tokens (
      id uuid primary key,
      token_hash text not null unique,
      uses_left integer not null check (uses_left >= 0),
      created_at timestamptz not null default now(),
      expires_at timestamptz not null
    )`.execute(db);
  // Who registered itself and may manage itself (RFC 7592); a relying party of an operator has no row here.
  await sql`
    create table registration_access_tokens (
      client_id text primary key references relying_parties (client_id) on delete cascade,
      token_hash text not null unique,
      created_at timestamptz not null default now()
    )`.execute(db);
}

export async function down(db: Kysely<unknown>): Promise<void> {
  await sql`drop table registration_access_tokens`.execute(db);
  await sql`drop table initial_access_tokens`.execute(db);
  await sql`drop table service_secrets`.execute(db);
}
