import { sql, type Kysely } from 'kysely';
import { newId } from '../../crypto/random.ts';
import type { RecoveryCodeStore, StoredRecoveryCode } from '../../second-factor/recovery-code-store.ts';
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
    await this.voidAll(userId);
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

  async voidAll(userId: string): Promise<void> {
    await this.#db
      .updateTable('recovery_codes')
      .set({ voided_at: sql`now()` })
      .where('user_id', '=', userId)
      .where('used_at', 'is', null)
      .where('voided_at', 'is', null)
      .execute();
  }
}
