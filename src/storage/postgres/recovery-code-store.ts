import { sql, type Kysely } from 'kysely';
import { newId } from '../../crypto/random.ts';
import type {
  RecoveryCodeSetFacts,
  RecoveryCodeStore,
  StoredRecoveryCode,
  VoidReason,
} from '../../second-factor/recovery-code-store.ts';
import type { Tables } from './tables.ts';

export class PostgresRecoveryCodeStore implements RecoveryCodeStore {
  readonly #db: Kysely<Tables>;

  constructor(db: Kysely<Tables>) {
    this.#db = db;
  }

  async listUnused(userId: string): Promise<StoredRecoveryCode[]> {
    return this.#db
      .selectFrom('recovery_codes')
      .select(['id', 'prefix', 'pattern', 'hash'])
      .where('user_id', '=', userId)
      .where('used_at', 'is', null)
      .where('voided_at', 'is', null)
      .orderBy('id')
      .execute();
  }

  async replace(userId: string, codes: readonly StoredRecoveryCode[]): Promise<void> {
    // Two sets made at once must not both stay: the person's guard row is the lock.
    await sql`insert into guards (user_id) values (${userId}) on conflict (user_id) do update set user_id = excluded.user_id`.execute(
      this.#db,
    );
    await this.voidAll(userId, 'replaced');
    if (codes.length === 0) return;
    const setId = newId();
    await this.#db
      .insertInto('recovery_codes')
      .values(codes.map((code) => ({ ...code, user_id: userId, set_id: setId })))
      .execute();
  }

  async use(userId: string, id: string): Promise<boolean> {
    const { numUpdatedRows } = await this.#db
      .updateTable('recovery_codes')
      .set({ used_at: sql`now()` })
      .where('id', '=', id)
      .where('user_id', '=', userId)
      .where('used_at', 'is', null)
      .where('voided_at', 'is', null)
      .executeTakeFirst();
    return numUpdatedRows > 0n;
  }

  async countUnused(userId: string): Promise<number> {
    const { count } = await this.#db
      .selectFrom('recovery_codes')
      .select((eb) => eb.fn.countAll<string>().as('count'))
      .where('user_id', '=', userId)
      .where('used_at', 'is', null)
      .where('voided_at', 'is', null)
      .executeTakeFirstOrThrow();
    return Number(count);
  }

  async describeSet(userId: string): Promise<RecoveryCodeSetFacts> {
    // A used code is not void: those of the set in force are all that are not.
    const { rows } = await sql<{ total: string; unused: string; created_at: Date | null }>`
      select count(*) as total, count(*) filter (where used_at is null) as unused, max(created_at) as created_at
      from recovery_codes
      where user_id = ${userId} and voided_at is null and set_id = (
        select set_id from recovery_codes where user_id = ${userId} and voided_at is null
        order by created_at desc limit 1)`.execute(this.#db);
    const [row] = rows;
    return { total: Number(row?.total ?? 0), unused: Number(row?.unused ?? 0), createdAt: row?.created_at ?? null };
  }

  async undoSince(userId: string, since: Date): Promise<boolean> {
    const { rows } = await sql<{ changed: string }>`
      with undone as (
        update recovery_codes set voided_at = now(), void_reason = 'undone'
        where user_id = ${userId} and created_at > ${since} and voided_at is null
          and created_at > (select u.created_at from users u where u.id = ${userId})
        returning 1
      ), back as (
        update recovery_codes set voided_at = null, void_reason = null
        where user_id = ${userId} and created_at <= ${since} and voided_at > ${since} and used_at is null
          and void_reason in ('replaced', 'removed')
        returning 1
      ) select (select count(*) from undone) + (select count(*) from back) as changed`.execute(this.#db);
    return Number(rows[0]?.changed ?? 0) > 0;
  }

  async voidAll(userId: string, reason: VoidReason): Promise<void> {
    await this.#db
      .updateTable('recovery_codes')
      .set({ voided_at: sql`now()`, void_reason: reason })
      .where('user_id', '=', userId)
      .where('used_at', 'is', null)
      .where('voided_at', 'is', null)
      .execute();
  }
}
