import { sql, type Kysely } from 'kysely';
import type { BegunAnswer, IdempotentAnswers } from '../../admin/idempotent-answers.ts';
import type { Tables } from './tables.ts';

export class PostgresIdempotentAnswers implements IdempotentAnswers {
  readonly #db: Kysely<Tables>;

  constructor(db: Kysely<Tables>) {
    this.#db = db;
  }

  async begin(
    keyHash: string,
    fingerprint: string,
    lifetimeSeconds: number,
    abandonedSeconds: number,
  ): Promise<BegunAnswer> {
    await sql`
      delete from idempotent_answers where key_hash in (
        select key_hash from idempotent_answers where expires_at < now() limit 100 for update skip locked)`.execute(
      this.#db,
    );
    const { rows } = await sql`
      insert into idempotent_answers as i (key_hash, fingerprint, expires_at)
      values (${keyHash}, ${fingerprint}, now() + make_interval(secs => ${lifetimeSeconds}))
      on conflict (key_hash) do update
        set begun_at = now(), expires_at = excluded.expires_at, fingerprint = excluded.fingerprint,
          answer_sealed = null
        where i.expires_at < now() or (i.fingerprint = excluded.fingerprint and i.answer_sealed is null
          and i.begun_at < now() - make_interval(secs => ${abandonedSeconds}))
      returning key_hash`.execute(this.#db);
    if (rows.length > 0) return { kind: 'begun' };
    const row = await this.#db
      .selectFrom('idempotent_answers')
      .select(['fingerprint', 'answer_sealed'])
      .where('key_hash', '=', keyHash)
      .executeTakeFirst();
    // Freed between the two statements: whoever freed it did nothing, and the caller may try again.
    if (row === undefined) return { kind: 'under-way' };
    if (row.fingerprint !== fingerprint) return { kind: 'other-request' };
    return row.answer_sealed === null ? { kind: 'under-way' } : { kind: 'answered', answerSealed: row.answer_sealed };
  }

  async finish(keyHash: string, answerSealed: string): Promise<void> {
    await this.#db
      .updateTable('idempotent_answers')
      .set({ answer_sealed: answerSealed })
      .where('key_hash', '=', keyHash)
      .execute();
  }

  async forget(keyHash: string): Promise<void> {
    await this.#db
      .deleteFrom('idempotent_answers')
      .where('key_hash', '=', keyHash)
      .where('answer_sealed', 'is', null)
      .execute();
  }
}
