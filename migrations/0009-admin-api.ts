import { sql, type Kysely } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  // The key is there before the work begins, so that of parallel repeats one does it; the answer comes afterwards.
  await sql`
    create table idempotent_answers (
      key_hash text primary key,
      fingerprint text not null,
      answer_sealed text,
      begun_at timestamptz not null default now(),
      expires_at timestamptz not null
    )`.execute(db);
  await sql`create index idempotent_answers_expiry on idempotent_answers (expires_at)`.execute(db);
  // Search is by how a name begins: no pattern of an operator's may cost a pass over everybody.
  await sql`create index login_names_beginning on login_names (name text_pattern_ops)`.execute(db);
  await sql`create index users_name_beginning on users (lower(claims ->> 'name') text_pattern_ops)`.execute(db);
  await sql`create index users_username on users (username collate "C")`.execute(db);
  await sql`create index grants_client on grants (client_id)`.execute(db);
  await sql`create index sessions_live on sessions (uid) where ended_at is null`.execute(db);
}

export async function down(db: Kysely<unknown>): Promise<void> {
  await sql`drop index sessions_live, grants_client, users_username, users_name_beginning, login_names_beginning`.execute(
    db,
  );
  await sql`drop table idempotent_answers`.execute(db);
}
