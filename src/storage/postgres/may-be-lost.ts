import { sql, type Kysely, type RawBuilder } from 'kysely';
import { verbatim } from './statement.ts';
import type { Tables } from './tables.ts';

/** The commit of this statement does not wait for the disk; for statements outside a transaction, as below. */
export const mayBeLost = verbatim(`set_config('synchronous_commit', 'off', true)`);
const doNotWait = sql.raw(mayBeLost.texts.join(''));

/**
 * For a statement of its own that only issues something: should the server lose power within the next moments, the
 * person signs in again, and nothing that was spent, counted, ended or recorded comes back. A later commit that waits
 * takes this one with it. In a transaction, which may hold what must not be lost, it changes nothing.
 */
export function returningMayBeLost(db: Kysely<Tables>): RawBuilder<unknown> {
  return db.isTransaction ? sql`` : returningUnwaited;
}

/** The same where the caller knows that everything in the transaction may be lost. */
export const returningUnwaited = sql`returning ${doNotWait}`;

/** The same as one more column of what is selected. */
export const selectingUnwaited = sql`, ${doNotWait}`;
