import { sql, type Kysely } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  // At random: a counter that a restored backup sets back could come to the number of a sign-in that is still on its way.
  await sql`alter table users add column security_stamp uuid not null default gen_random_uuid()`.execute(db);
}

export async function down(db: Kysely<unknown>): Promise<void> {
  await sql`alter table users drop column security_stamp`.execute(db);
}
