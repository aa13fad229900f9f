import { sql, type Kysely } from 'kysely';

/** When an application last used what it was allowed; people see it beside each of them. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`alter table grants add column last_used_at timestamptz not null default now()`.execute(db);
}

export async function down(db: Kysely<unknown>): Promise<void> {
  await sql`alter table grants drop column last_used_at`.execute(db);
}
