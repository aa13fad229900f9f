import type { Kysely } from 'kysely';
import { newId } from '../../crypto/random.ts';
import type { Notice, Outbox } from '../../notifications/outbox.ts';
import type { Tables } from './tables.ts';

export class PostgresOutbox implements Outbox {
  readonly #db: Kysely<Tables>;

  constructor(db: Kysely<Tables>) {
    this.#db = db;
  }

  async enqueue(notice: Notice): Promise<void> {
    await this.#db
      .insertInto('outbox')
      .values({
        id: newId(),
        kind: notice.kind,
        user_id: notice.userId,
        details: JSON.stringify(notice.details ?? {}),
      })
      .execute();
  }
}
