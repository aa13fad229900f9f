import { sql, type Kysely } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    create table help_requests (
      id uuid primary key,
      user_id uuid not null references users (id) on delete cascade,
      message text not null,
      address text not null,
      user_agent text not null,
      created_at timestamptz not null default now(),
      answered_at timestamptz,
      answered_by text,
      answer text
    )`.execute(db);
  await sql`create index help_requests_created on help_requests (created_at, id)`.execute(db);
  await sql`create index help_requests_open on help_requests (user_id) where answered_at is null`.execute(db);
  // Where the last wrong code of a challenge came from: the notice says so.
  await sql`
    alter table challenges
      add column address text not null default '', add column user_agent text not null default ''`.execute(db);
  // What an operator's reset made void must stay void when a person undoes what a thief did.
  await sql`alter table recovery_codes add column void_reason text`.execute(db);
  // An address that stood lately is still its owner's: nobody else may take it while it can come back.
  await sql`
    create function reserve_previous_address() returns trigger language plpgsql as $$
    begin
      if exists (
        select from previous_addresses
        where lower(normalize(address, NFKC)) = new.name and user_id <> new.user_id
          and replaced_at > now() - interval '72 hours'
      ) then
        raise unique_violation using message = 'this address stood with somebody else lately';
      end if;
      return new;
    end $$`.execute(db);
  await sql`
    create trigger login_names_reserved before insert on login_names for each row
    execute function reserve_previous_address()`.execute(db);
  await sql`create index previous_addresses_replaced on previous_addresses (replaced_at)`.execute(db);
}

export async function down(db: Kysely<unknown>): Promise<void> {
  await sql`drop trigger login_names_reserved on login_names`.execute(db);
  await sql`drop function reserve_previous_address`.execute(db);
  await sql`drop index previous_addresses_replaced`.execute(db);
  await sql`alter table challenges drop column address, drop column user_agent`.execute(db);
  await sql`alter table recovery_codes drop column void_reason`.execute(db);
  await sql`drop table help_requests`.execute(db);
}
