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
  // A client whose answer was lost gets the same successor again, and no second one.
  await sql`alter table tokens add column successor_hash text, add column successor_sealed text`.execute(db);
}

export async function down(db: Kysely<unknown>): Promise<void> {
  await sql`alter table tokens drop column successor_hash, drop column successor_sealed`.execute(db);
  await sql`delete from signing_keys where state in ('published', 'revoked')`.execute(db);
  await sql`drop index signing_keys_one_published, signing_keys_one_active`.execute(db);
  await sql`
    alter table signing_keys drop column state, drop column published_at, drop column activated_at,
      drop column revoked_at`.execute(db);
}
