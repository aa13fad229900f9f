import { sql, type Kysely } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    create table audit_events (
      id bigint generated always as identity primary key,
      at timestamptz not null default clock_timestamp(),
      type text not null,
      actor text not null,
      target text not null,
      result text not null check (result in ('success', 'failure')),
      reason text,
      details jsonb not null default '{}',
      request_id text not null,
      address text not null,
      user_agent text not null
    )`.execute(db);
  await sql`create index audit_events_target on audit_events (target, id)`.execute(db);
  await sql`create index audit_events_type on audit_events (type, id)`.execute(db);
  // Append-only for every role, the owner included: a change has to drop the trigger first, which leaves a trace.
  await sql`
    create function audit_events_are_append_only() returns trigger language plpgsql as $$
    begin
      raise exception 'audit_events is append-only' using errcode = '42501';
    end $$`.execute(db);
  await sql`
    create trigger audit_events_append_only before update or delete on audit_events
    for each statement execute function audit_events_are_append_only()`.execute(db);
  await sql`
    create trigger audit_events_no_truncate before truncate on audit_events
    for each statement execute function audit_events_are_append_only()`.execute(db);
  await sql`
    create table outbox (
      id uuid primary key,
      kind text not null,
      user_id uuid not null references users (id) on delete cascade,
      details jsonb not null default '{}',
      created_at timestamptz not null default now(),
      next_try_at timestamptz not null default now(),
      tries integer not null default 0,
      delivered_at timestamptz
    )`.execute(db);
  await sql`create index outbox_waiting on outbox (next_try_at) where delivered_at is null`.execute(db);
}

export async function down(db: Kysely<unknown>): Promise<void> {
  await sql`drop table outbox, audit_events`.execute(db);
  await sql`drop function audit_events_are_append_only`.execute(db);
}
