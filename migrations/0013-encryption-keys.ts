import { sql, type Kysely } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  // A known value sealed under each key there ever was: a key that does not open its own is another key with that id.
  await sql`
    create table encryption_keys (
      id text primary key check (id ~ '^[A-Za-z0-9_-]{1,32}$'),
      check_sealed text not null,
      created_at timestamptz not null default now(),
      seals_from timestamptz not null,
      emptied_at timestamptz
    )`.execute(db);
}

export async function down(db: Kysely<unknown>): Promise<void> {
  await sql`drop table encryption_keys`.execute(db);
}
