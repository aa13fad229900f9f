import { sql, type Kysely } from 'kysely';
import type { UsedOnceStore } from '../../provider/stores.ts';
import type { Tables } from './tables.ts';

export class PostgresUsedOnceStore implements UsedOnceStore {
  readonly #db: Kysely<Tables>;

  constructor(db: Kysely<Tables>) {
    this.#db = db;
  }

  async mark(kind: string, idHash: string, lifetimeSeconds: number): Promise<boolean> {
    const { numInsertedOrUpdatedRows } = await this.#db
      .insertInto('used_once')
      .values({ kind, id_hash: idHash, expires_at: sql<Date>`now() + make_interval(secs => ${lifetimeSeconds})` })
      .onConflict((conflict) => conflict.doNothing())
      .executeTakeFirst();
    return (numInsertedOrUpdatedRows ?? 0n) > 0n;
  }

  async isMarked(kind: string, idHash: string): Promise<boolean> {
    const row = await this.#db
      .selectFrom('used_once')
      .select('kind')
      .where('kind', '=', kind)
      .where('id_hash', '=', idHash)
      .executeTakeFirst();
    return row !== undefined;
  }
}
