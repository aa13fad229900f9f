import { sql, type Kysely } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  // No foreign key to users: relying parties are told of the end of a session whose person is gone.
  await sql`
    create table outbox (
      id uuid primary key default gen_random_uuid(),
      channel text not null check (channel in ('mail', 'logout', 'webhook', 'syslog')),
      kind text not null,
      user_id uuid,
      webhook_id uuid,
      payload jsonb not null default '{}',
      secret_sealed text,
      created_at timestamptz not null default now(),
      next_try_at timestamptz not null default now(),
      claim_id uuid,
      tries integer not null default 0,
      delivered_at timestamptz,
      failed_at timestamptz
    )`.execute(db);
  await sql`
    create index outbox_waiting on outbox (next_try_at) where delivered_at is null and failed_at is null`.execute(db);
  await sql`create index outbox_created on outbox (created_at)`.execute(db);
  await sql`create index outbox_webhook on outbox (webhook_id, created_at) where webhook_id is not null`.execute(db);
  await sql`
    create table outbox_attempts (
      outbox_id uuid not null references outbox (id) on delete cascade,
      number integer not null,
      at timestamptz not null default clock_timestamp(),
      status integer,
      error text,
      primary key (outbox_id, number)
    )`.execute(db);
  await sql`
    create table notice_budgets (
      user_id uuid not null references users (id) on delete cascade,
      kind text not null,
      window_started_at timestamptz not null default now(),
      sent integer not null default 1,
      primary key (user_id, kind)
    )`.execute(db);
  // Apart from the other links: whoever changes the password makes those void, and must not void the owner's way back.
  await sql`
    create table not_me_links (
      token_hash text primary key,
      user_id uuid not null references users (id) on delete cascade,
      expires_at timestamptz not null,
      used_at timestamptz
    )`.execute(db);
  await sql`create index not_me_links_user on not_me_links (user_id)`.execute(db);
  await sql`create index not_me_links_expiry on not_me_links (expires_at)`.execute(db);
  await sql`
    create table previous_addresses (
      id bigint generated always as identity primary key,
      user_id uuid not null references users (id) on delete cascade,
      address text not null,
      verified boolean not null,
      replaced_at timestamptz not null default now()
    )`.execute(db);
  await sql`create index previous_addresses_user on previous_addresses (user_id, replaced_at)`.execute(db);
  // By a trigger, so that no way of changing an address can forget the one that stood before.
  await sql`
    create function keep_previous_address() returns trigger language plpgsql as $$
    begin
      insert into previous_addresses (user_id, address, verified) values (old.id, old.email, old.email_verified);
      return null;
    end $$`.execute(db);
  await sql`
    create trigger users_previous_address after update of email on users for each row
    when (old.email is not null and old.email is distinct from new.email)
    execute function keep_previous_address()`.execute(db);
  // By triggers, so that every way a session ends tells its relying parties, deletion of the person included.
  await sql`
    create function tell_relying_parties() returns trigger language plpgsql as $$
    begin
      insert into outbox (channel, kind, user_id, payload)
      select 'logout', 'session-ended', old.user_id, jsonb_build_object('clientId', a.key, 'sid', a.value ->> 'sid')
      from jsonb_each(old.authorizations) a
      join relying_parties p on p.client_id = a.key
      where p.metadata ->> 'backchannel_logout_uri' is not null and jsonb_typeof(a.value) = 'object';
      return null;
    end $$`.execute(db);
  await sql`
    create trigger sessions_ended after update of ended_at on sessions for each row
    when (old.ended_at is null and new.ended_at is not null and old.user_id is not null)
    execute function tell_relying_parties()`.execute(db);
  await sql`
    create trigger sessions_deleted after delete on sessions for each row
    when (old.ended_at is null and old.user_id is not null)
    execute function tell_relying_parties()`.execute(db);
  await sql`
    create table webhooks (
      id uuid primary key,
      url text not null,
      description text not null default '',
      event_types text[] not null,
      secret_sealed text not null,
      previous_secret_sealed text,
      previous_until timestamptz,
      disabled_at timestamptz,
      created_at timestamptz not null default now(),
      updated_at timestamptz not null default now(),
      version integer not null default 1
    )`.execute(db);
}

export async function down(db: Kysely<unknown>): Promise<void> {
  await sql`drop trigger sessions_deleted on sessions`.execute(db);
  await sql`drop trigger sessions_ended on sessions`.execute(db);
  await sql`drop trigger users_previous_address on users`.execute(db);
  await sql`drop function tell_relying_parties, keep_previous_address`.execute(db);
  await sql`
    drop table webhooks, previous_addresses, not_me_links, notice_budgets, outbox_attempts, outbox`.execute(db);
}
