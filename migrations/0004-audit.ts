import { sql, type Kysely } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  // The key under which a person's fields in the record are sealed. Erasing the person destroys it, and the record
  // stays as it was chained. A destroyed one stays as a mark, so that no later event makes another.
  await sql`
    create table person_keys (
      subject text primary key,
      key_sealed text,
      created_at timestamptz not null default now(),
      destroyed_at timestamptz,
      check ((key_sealed is null) = (destroyed_at is not null))
    )`.execute(db);
  await sql`create sequence audit_event_ids`.execute(db);
  await sql`
    create table audit_events (
      id bigint not null default nextval('audit_event_ids'),
      at timestamptz not null default clock_timestamp(),
      type text not null,
      actor text not null,
      target text not null,
      result text not null check (result in ('success', 'failure')),
      reason text,
      details jsonb not null default '{}',
      request_id text not null,
      origin_sealed text,
      personal_sealed text,
      primary key (id, at)
    ) partition by range (at)`.execute(db);
  await sql`create index audit_events_target on audit_events (target, id)`.execute(db);
  await sql`create index audit_events_actor on audit_events (actor, id) where actor <> target`.execute(db);
  await sql`create index audit_events_type on audit_events (type, id)`.execute(db);
  await sql`create index audit_events_request on audit_events (request_id) where request_id <> ''`.execute(db);
  // What the sealer has still to chain. Ids tell nothing here: a transaction may commit long after a later id did.
  await sql`create table audit_unsealed (id bigint primary key, at timestamptz not null)`.execute(db);
  await sql`
    create table audit_seals (
      number bigint primary key,
      month date not null,
      event_ids bigint[] not null,
      event_hashes bytea not null,
      previous_hash bytea not null,
      hash bytea not null,
      hash_sealed text not null,
      sealed_at timestamptz not null default clock_timestamp(),
      check (octet_length(event_hashes) = 32 * cardinality(event_ids))
    )`.execute(db);
  await sql`create index audit_seals_month on audit_seals (month, number)`.execute(db);
  // How long the record is kept; the owner's to write, so that the service's role cannot shorten it.
  await sql`
    create table audit_retention (
      only_one boolean primary key default true check (only_one),
      months integer check (months >= 3)
    )`.execute(db);
  await sql`insert into audit_retention (months) values (null)`.execute(db);

  // Append-only for every role, the owner included: a change has to drop a trigger first, which leaves a trace.
  await sql`
    create function audit_is_append_only() returns trigger language plpgsql as $$
    begin
      raise exception '% is append-only', tg_table_name using errcode = '42501';
    end $$`.execute(db);
  for (const table of ['audit_events', 'audit_seals']) {
    await sql`
      create trigger audit_append_only before update or delete on ${sql.table(table)}
      for each row execute function audit_is_append_only()`.execute(db);
    await sql`
      create trigger audit_no_truncate before truncate on ${sql.table(table)}
      for each statement execute function audit_is_append_only()`.execute(db);
  }
  await sql`create table audit_events_other partition of audit_events default`.execute(db);
  await sql`
    create trigger audit_no_truncate before truncate on audit_events_other
    for each statement execute function audit_is_append_only()`.execute(db);

  // Run with the owner's rights, since the service's role may not make or drop tables. Rows that fell into the default
  // partition, because nothing made their month in time, stay there.
  await sql`
    create function audit_add_month(month date) returns void
    language plpgsql security definer set search_path from current as $$
    declare
      first date := date_trunc('month', month)::date;
      name text := 'audit_events_' || to_char(first, 'YYYY_MM');
    begin
      perform pg_advisory_xact_lock(728202, 1);
      if to_regclass(name) is not null then return; end if;
      begin
        execute format('create table %I partition of audit_events for values from (%L) to (%L)', name,
          to_char(first, 'YYYY-MM-DD') || ' 00:00:00+00',
          to_char(first + interval '1 month', 'YYYY-MM-DD') || ' 00:00:00+00');
      exception when check_violation then return;
      end;
      execute format('create trigger audit_no_truncate before truncate on %I
        for each statement execute function audit_is_append_only()', name);
    end $$`.execute(db);
  await sql`
    create function audit_drop_month(month date) returns void
    language plpgsql security definer set search_path from current as $$
    declare
      first date := date_trunc('month', month)::date;
      last date := (date_trunc('month', month) + interval '1 month')::date;
      name text := 'audit_events_' || to_char(first, 'YYYY_MM');
      kept integer := (select months from audit_retention);
    begin
      if kept is null or last > (now() at time zone 'UTC')::date - make_interval(months => kept) then
        raise exception 'the month % is still to be kept', to_char(first, 'YYYY-MM') using errcode = '42501';
      end if;
      if exists (select 1 from audit_unsealed u
        where u.at >= first::timestamp at time zone 'UTC' and u.at < last::timestamp at time zone 'UTC') then
        raise exception 'the month % is not sealed yet', to_char(first, 'YYYY-MM') using errcode = '55000';
      end if;
      if to_regclass(name) is not null then execute format('drop table %I', name); end if;
    end $$`.execute(db);
  await sql`
    select audit_add_month((date_trunc('month', now() at time zone 'UTC') + make_interval(months => ahead))::date)
    from generate_series(0, 2) as ahead`.execute(db);
}

export async function down(db: Kysely<unknown>): Promise<void> {
  await sql`drop function audit_add_month, audit_drop_month`.execute(db);
  await sql`drop table audit_retention, audit_seals, audit_unsealed, audit_events, person_keys`.execute(db);
  await sql`drop sequence audit_event_ids`.execute(db);
  await sql`drop function audit_is_append_only`.execute(db);
}
