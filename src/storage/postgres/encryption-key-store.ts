import { sql, type Kysely } from 'kysely';
import type { EncryptionKeyStore, KnownKey, SealedColumn, SealedRow } from '../../operations/encryption-key-store.ts';
import type { Tables } from './tables.ts';

export class PostgresEncryptionKeyStore implements EncryptionKeyStore {
  readonly #db: Kysely<Tables>;

  constructor(db: Kysely<Tables>) {
    this.#db = db;
  }

  async listKeys(): Promise<KnownKey[]> {
    const { rows } = await sql<{ id: string; check_sealed: string; may_seal: boolean; empty_seconds: string | null }>`
      select id, check_sealed, seals_from <= now() as may_seal, extract(epoch from now() - emptied_at) as empty_seconds
      from encryption_keys order by created_at, id`.execute(this.#db);
    return rows.map((row) => ({
      id: row.id,
      checkSealed: row.check_sealed,
      maySeal: row.may_seal,
      emptySeconds: row.empty_seconds === null ? null : Number(row.empty_seconds),
    }));
  }

  async addKey(id: string, checkSealed: string, waitSeconds: number): Promise<void> {
    await sql`
      insert into encryption_keys (id, check_sealed, seals_from)
      values (${id}, ${checkSealed}, now() + make_interval(secs => ${waitSeconds}))
      on conflict (id) do nothing`.execute(this.#db);
  }

  async letSeal(id: string): Promise<void> {
    await sql`update encryption_keys set seals_from = now() where id = ${id} and seals_from > now()`.execute(this.#db);
  }

  async noteEmpty(ids: readonly string[]): Promise<void> {
    await sql`
      update encryption_keys set emptied_at = case when id = any (${[...ids]}) then now() end
      where (emptied_at is null) = (id = any (${[...ids]}))`.execute(this.#db);
  }

  async readSlice({ table, column, key, keyType, also = [] }: SealedColumn, after: string | null, most: number) {
    const type = sql.raw(keyType);
    const facts = also.map((name) => sql`, ${sql.ref(name)}::text as ${sql.ref(name)}`);
    const { rows } = await sql<Record<string, string>>`
      select ${sql.ref(key)}::text as "the key", ${sql.ref(column)} as "the value" ${sql.join(facts, sql``)}
      from ${sql.table(table)}
      where ${sql.ref(column)} is not null and (${after}::${type} is null or ${sql.ref(key)} > ${after}::${type})
      order by ${sql.ref(key)} limit ${most}::int`.execute(this.#db);
    return rows.map((row): SealedRow => {
      const { 'the key': own = '', 'the value': sealed = '', ...rest } = row;
      return { key: own, sealed, also: rest };
    });
  }

  async exchange(
    { table, column, key, keyType }: SealedColumn,
    changes: readonly { readonly key: string; readonly before: string; readonly after: string }[],
  ): Promise<number> {
    if (changes.length === 0) return 0;
    const [keys, before, after] = [
      changes.map((change) => change.key),
      changes.map((change) => change.before),
      changes.map((change) => change.after),
    ];
    const result = await sql`
      update ${sql.table(table)} as t set ${sql.ref(column)} = c.after
      from unnest(${keys}::${sql.raw(keyType)}[], ${before}::text[], ${after}::text[]) as c(key, before, after)
      where t.${sql.ref(key)} = c.key and t.${sql.ref(column)} = c.before`.execute(this.#db);
    return Number(result.numAffectedRows ?? 0);
  }

  async lockResealing(): Promise<boolean> {
    const { rows } = await sql<{ locked: boolean }>`
      select pg_try_advisory_xact_lock(hashtext('twofold sealing anew')) as locked`.execute(this.#db);
    return rows[0]?.locked === true;
  }

  async countAuditSeals(): Promise<ReadonlyMap<string, number>> {
    const { rows } = await sql<{ key: string; count: string }>`
      select split_part(hash_sealed, '.', 2) as key, count(*) as count from audit_seals group by 1`.execute(this.#db);
    return new Map(rows.map(({ key, count }) => [key, Number(count)]));
  }
}
