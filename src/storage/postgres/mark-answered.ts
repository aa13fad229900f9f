import type { Kysely } from 'kysely';
import type { AnsweredMark } from '../../provider/stores.ts';
import { createInOneTrip } from './database.ts';
import { mayBeLost } from './may-be-lost.ts';
import { statement } from './statement.ts';
import type { Tables } from './tables.ts';

const mark = statement<AnsweredMark, unknown>`
  update tokens set answered_at = ${'at'} where id_hash = ${'idHash'} and kind = ${'kind'} returning ${mayBeLost}`;

/**
 * Notes when redemptions that won were answered: what arrives later is a reuse, what came before was a race. All in one
 * trip, in the order of their ids, so that those who mark the same ones wait for each other in turn.
 */
export async function markAnswered(db: Kysely<Tables>, marks: readonly AnsweredMark[]): Promise<void> {
  const ordered = marks.toSorted((one, other) => (one.idHash < other.idHash ? -1 : 1));
  const inOneTrip = createInOneTrip(db, (transaction) => transaction);
  await inOneTrip((transaction) => Promise.all(ordered.map((given) => mark(transaction, given))));
}
