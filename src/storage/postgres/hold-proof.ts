import { sql, type Kysely } from 'kysely';
import type { Proof } from '../../domain/proof.ts';
import { Fault } from '../../errors.ts';
import { notEnded } from './not-ended.ts';
import type { Tables } from './tables.ts';

/**
 * Locks the person until the transaction ends, so that whoever disables them or ends their sessions comes before or after
 * it. Throws `Fault` (`sign_in_gone`, 400) where they are disabled or what was proven does not stand any more.
 */
export async function holdProof(db: Kysely<Tables>, userId: string, proof: Proof): Promise<void> {
  const person = await db
    .selectFrom('users')
    .select('security_stamp')
    .where('id', '=', userId)
    .where('disabled_at', 'is', null)
    .forNoKeyUpdate()
    .executeTakeFirst();
  const stands =
    'securityStamp' in proof
      ? person?.security_stamp === proof.securityStamp
      : person !== undefined && (await isLive(db, userId, proof.sessionUid));
  if (!stands) throw new Fault('sign_in_gone', 400, 'what was proven does not stand any more');
}

/** Asked by itself: a look that waited for the person's row would still see the session as it was before. */
async function isLive(db: Kysely<Tables>, userId: string, sessionUid: string): Promise<boolean> {
  const session = await db
    .selectFrom('sessions')
    .select('uid')
    .where('uid', '=', sessionUid)
    .where('user_id', '=', userId)
    .where(sql<boolean>`${sql.raw(notEnded('ended_at'))}`)
    .executeTakeFirst();
  return session !== undefined;
}
