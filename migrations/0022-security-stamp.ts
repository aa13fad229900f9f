import { sql, type Kysely } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  // At random: a counter that a restored backup sets back could come to the number of a sign-in that is still on its way.
  // Whoever is there begins with the same one, which is compared for one person only: nothing is written anew for it.
  await sql`
    alter table users add column security_stamp uuid not null default '00000000-0000-4000-8000-000000000000'`.execute(
    db,
  );
  await sql`alter table users alter column security_stamp set default gen_random_uuid()`.execute(db);
  // By a trigger, so that no way of setting a password or of disabling somebody can forget it.
  await sql`
    create function renew_security_stamp() returns trigger language plpgsql as $$
    begin
      new.security_stamp := gen_random_uuid();
      return new;
    end $$`.execute(db);
  await sql`
    create trigger users_security_stamp before update of password_version, disabled_at on users for each row
    when (old.password_version is distinct from new.password_version
      or old.disabled_at is distinct from new.disabled_at)
    execute function renew_security_stamp()`.execute(db);
}

export async function down(db: Kysely<unknown>): Promise<void> {
  await sql`drop trigger users_security_stamp on users`.execute(db);
  await sql`drop function renew_security_stamp`.execute(db);
  await sql`alter table users drop column security_stamp`.execute(db);
}
