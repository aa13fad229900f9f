import { sql, type Kysely } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  // Keys made before there were states have been published and used all along.
  await sql`
    alter table signing_keys
      add column state text not null default 'active'
        check (state in ('published', 'active', 'retired', 'revoked')),
      add column published_at timestamptz not null default now(),
      add column activated_at timestamptz,
      add column revoked_at timestamptz`.execute(db);
  await sql`
    update signing_keys set published_at = created_at, activated_at = created_at,
      state = case when retired_at is null then 'active' else 'retired' end`.execute(db);
  await sql`alter table signing_keys alter column state drop default`.execute(db);
  // However many replicas act at once, an algorithm has one key that signs and one that waits.
  await sql`create unique index signing_keys_one_active on signing_keys (algorithm) where state = 'active'`.execute(db);
  await sql`create unique index signing_keys_one_published on signing_keys (algorithm) where state = 'published'`.execute(
    db,
  );
  // Audiences of operators' own APIs: access tokens for them are signed (RFC 9068), unless they ask for opaque ones.
  await sql`
    create table resource_servers (
      audience text primary key,
      scopes text[] not null,
      token_format text not null default 'jwt' check (token_format in ('jwt', 'opaque')),
      token_seconds integer not null default 300 check (token_seconds between 30 and 3600),
      signing_algorithm text not null default 'ES256' check (signing_algorithm in ('RS256', 'ES256', 'EdDSA')),
      created_at timestamptz not null default now(),
      check (token_format = 'opaque' or token_seconds <= 300)
    )`.execute(db);
  // What a client shares with the service as text (client_secret_jwt needs it to verify), sealed.
  await sql`alter table relying_party_secrets add column secret_sealed text`.execute(db);
}

export async function down(db: Kysely<unknown>): Promise<void> {
  await sql`alter table relying_party_secrets drop column secret_sealed`.execute(db);
  await sql`drop table resource_servers`.execute(db);
  await sql`delete from signing_keys where state in ('published', 'revoked')`.execute(db);
  await sql`drop index signing_keys_one_published, signing_keys_one_active`.execute(db);
  await sql`
    alter table signing_keys drop column state, drop column published_at, drop column activated_at,
      drop column revoked_at`.execute(db);
}
