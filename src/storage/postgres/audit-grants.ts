import { sql, type Kysely } from 'kysely';

/** What the service's role may only add to and read. */
const appendOnly = ['audit_events', 'audit_seals'];
/** What it may only read. */
const readOnly = ['audit_retention', 'kysely_migration', 'kysely_migration_lock'];

/** Whether the role may read what stands now, as it may once it was granted its rights, and as an owner may. */
export async function isServiceRoleGranted<Tables>(db: Kysely<Tables>, role: string): Promise<boolean> {
  const { rows } = await sql<{ granted: boolean }>`
    select bool_and(has_table_privilege(${role}, c.oid, 'select')) as granted
    from pg_class c where c.relnamespace = current_schema()::regnamespace and c.relkind in ('r', 'p')
      and not c.relispartition`.execute(db);
  return rows[0]?.granted === true;
}

/**
 * Gives the service's role what it needs on the schema that `owner` migrated, and no more: it cannot change or remove
 * what was recorded, nor shorten how long it is kept. Run after every migration, when migrations have a role of their
 * own; partitions are reached through their table alone, so that new months need nothing.
 */
export async function grantServiceRole<Tables>(owner: Kysely<Tables>, role: string): Promise<void> {
  await owner.transaction().execute(async (transaction) => {
    const name = sql.id(role);
    const { rows: owners } = await sql<{ same: boolean }>`select current_user = ${role} as same`.execute(transaction);
    // One role for both keeps all its rights: taking them from itself would end the next migration.
    if (owners[0]?.same === true) return;
    const { rows } = await sql<{ schema: string }>`select current_schema() as schema`.execute(transaction);
    const schema = sql.id(rows[0]?.schema ?? 'public');
    await sql`grant usage on schema ${schema} to ${name}`.execute(transaction);
    await sql`grant select, insert, update, delete on all tables in schema ${schema} to ${name}`.execute(transaction);
    await sql`grant usage on all sequences in schema ${schema} to ${name}`.execute(transaction);
    await sql`revoke execute on function audit_add_month, audit_drop_month from public`.execute(transaction);
    await sql`grant execute on function audit_add_month, audit_drop_month to ${name}`.execute(transaction);
    const partitions = await sql<{ name: string }>`
      select inhrelid::regclass::text as name from pg_inherits where inhparent = 'audit_events'::regclass`.execute(
      transaction,
    );
    for (const { name: partition } of partitions.rows) {
      await sql`revoke all on ${sql.raw(partition)} from ${name}`.execute(transaction);
    }
    for (const table of appendOnly) {
      await sql`revoke update, delete, truncate, references, trigger on ${sql.id(table)} from ${name}`.execute(
        transaction,
      );
    }
    for (const table of readOnly) {
      await sql`revoke insert, update, delete, truncate on ${sql.id(table)} from ${name}`.execute(transaction);
    }
  });
}
