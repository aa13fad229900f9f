import { sql, type Kysely } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  // Requests of relying parties to authenticate a person where the person is (CIBA): what waits for an answer.
  await sql`
    create table backchannel_requests (
      id uuid primary key,
      user_id uuid not null references users (id) on delete cascade,
      client_id text not null,
      binding_message text not null,
      scope text not null,
      resource text,
      request_sealed text not null,
      created_at timestamptz not null default now(),
      expires_at timestamptz not null,
      decided_at timestamptz,
      decision text check (decision in ('approved', 'refused')))`.execute(db);
  await sql`
    create index backchannel_requests_waiting on backchannel_requests (user_id, created_at)
      where decided_at is null`.execute(db);
  await sql`create index backchannel_requests_expires on backchannel_requests (expires_at)`.execute(db);
  await sql`alter table outbox drop constraint outbox_channel_check`.execute(db);
  await sql`
    alter table outbox add constraint outbox_channel_check
      check (channel in ('mail', 'logout', 'webhook', 'syslog', 'ping'))`.execute(db);
}

export async function down(db: Kysely<unknown>): Promise<void> {
  await sql`delete from outbox where channel = 'ping'`.execute(db);
  await sql`alter table outbox drop constraint outbox_channel_check`.execute(db);
  await sql`
    alter table outbox add constraint outbox_channel_check
      check (channel in ('mail', 'logout', 'webhook', 'syslog'))`.execute(db);
  await sql`drop table backchannel_requests`.execute(db);
}
