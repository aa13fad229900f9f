import { sql, type Kysely } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  // Without statistics, as in a database just set up, the small index was taken for every question after live sessions,
  // and read from end to end because it said nothing of whose they are.
  await sql`drop index sessions_live`.execute(db);
  await sql`create index sessions_live on sessions (user_id) where ended_at is null`.execute(db);
}

export async function down(db: Kysely<unknown>): Promise<void> {
  await sql`drop index sessions_live`.execute(db);
  await sql`create index sessions_live on sessions (uid) where ended_at is null`.execute(db);
}
