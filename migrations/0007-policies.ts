import { sql, type Kysely } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  // `deleted_at`: an operator took back what a settings file says; the file does not bring it back.
  await sql`
    create table policies (
      key text primary key,
      user_id uuid references users (id) on delete cascade,
      second_factor text not null check (second_factor in ('required', 'optional')),
      grace_days integer not null check (grace_days between 0 and 90),
      acr_values text[] not null,
      trusted_browser_days integer check (trusted_browser_days between 0 and 30),
      source text not null check (source in ('settings', 'operator')),
      deleted_at timestamptz,
      created_at timestamptz not null default now(),
      updated_at timestamptz not null default now(),
      version integer not null default 1
    )`.execute(db);
  // One row a person, never changed: a grace period cannot begin twice.
  await sql`
    create table enrolment_grace (
      user_id uuid primary key references users (id) on delete cascade,
      started_at timestamptz not null
    )`.execute(db);
  await sql`
    create table trusted_browsers (
      id uuid primary key,
      token_hash text not null unique,
      user_id uuid not null references users (id) on delete cascade,
      client_id text not null,
      user_agent text not null,
      address text not null,
      trusted_at timestamptz not null,
      last_used_at timestamptz,
      expires_at timestamptz not null
    )`.execute(db);
  await sql`create index trusted_browsers_user on trusted_browsers (user_id, trusted_at)`.execute(db);
  // A sign-in that a policy let pass with a password alone must not count for a first enrolment, which asks for more.
  await sql`alter table known_browsers add column by_password_alone boolean not null default false`.execute(db);
  // By triggers, so that no way of setting a password or of losing the last authenticator can forget it.
  await sql`
    create function forget_trusted_browsers_with_password() returns trigger language plpgsql as $$
    begin
      delete from trusted_browsers where user_id = new.id;
      return null;
    end $$`.execute(db);
  await sql`
    create trigger users_trusted_browsers after update of password_version on users for each row
    when (old.password_version is distinct from new.password_version)
    execute function forget_trusted_browsers_with_password()`.execute(db);
  await sql`
    create function forget_trusted_browsers_with_factor() returns trigger language plpgsql as $$
    begin
      delete from trusted_browsers t where t.user_id = old.user_id and not exists (
        select from authenticators a
        where a.user_id = old.user_id and a.confirmed_at is not null and a.voided_at is null);
      return null;
    end $$`.execute(db);
  await sql`
    create trigger authenticators_trusted_browsers after update of voided_at on authenticators for each row
    when (old.voided_at is null and new.voided_at is not null and old.confirmed_at is not null)
    execute function forget_trusted_browsers_with_factor()`.execute(db);
  await sql`
    create trigger authenticators_deleted_trusted_browsers after delete on authenticators for each row
    when (old.confirmed_at is not null)
    execute function forget_trusted_browsers_with_factor()`.execute(db);
}

export async function down(db: Kysely<unknown>): Promise<void> {
  await sql`drop trigger authenticators_deleted_trusted_browsers on authenticators`.execute(db);
  await sql`drop trigger authenticators_trusted_browsers on authenticators`.execute(db);
  await sql`drop trigger users_trusted_browsers on users`.execute(db);
  await sql`drop function forget_trusted_browsers_with_factor, forget_trusted_browsers_with_password`.execute(db);
  await sql`alter table known_browsers drop column by_password_alone`.execute(db);
  await sql`drop table trusted_browsers, enrolment_grace, policies`.execute(db);
}
