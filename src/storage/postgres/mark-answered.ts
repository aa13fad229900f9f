import { sql, type Kysely } from 'kysely';
import type { AnsweredMark } from '../../provider/stores.ts';
import type { Tables } from './tables.ts';

/**
 * Notes when redemptions that won were answered, in one statement: what arrives later is a reuse, what came before was a
 * race. Rows are locked in the order of their ids, so that those who mark the same ones wait for each other in turn.
 */
export async function markAnswered(db: Kysely<Tables>, marks: readonly AnsweredMark[]): Promise<void> {
  const kinds = marks.map(({ kind }) => kind);
  const hashes = marks.map(({ idHash }) => idHash);
  const times = marks.map(({ at }) => at.toISOString());
  await sql`
    with answered as (
      select * from unnest(${kinds}::text[], ${hashes}::text[], ${times}::timestamptz[]) as a (kind, id_hash, at)
    ), locked as materialized (
      select id_hash from tokens where id_hash = any(${hashes}::text[]) order by id_hash for no key update
    )
    update tokens set answered_at = answered.at from answered, locked
    where tokens.id_hash = locked.id_hash and answered.id_hash = locked.id_hash
      and tokens.kind = answered.kind`.execute(db);
}
