import { sql, type Kysely } from 'kysely';
import type { FoundToken } from '../../provider/stores.ts';
import type { Tables } from './tables.ts';
import { toUser } from './user-store.ts';

/** A live token with its person and grant: of a person not disabled, and offline or of a session that goes on. */
export async function findToken(db: Kysely<Tables>, kind: string, idHash: string): Promise<FoundToken | undefined> {
  const row = await finding(db, kind, idHash)
    .selectFrom('tokens')
    .innerJoin('grants', 'grants.id', 'tokens.grant_id')
    .innerJoin('users', 'users.id', 'grants.user_id')
    // A join, since "or exists" may be answered by reading every live session there is.
    .leftJoin('sessions', (join) =>
      join
        .onRef('sessions.uid', '=', 'tokens.session_uid')
        .on('sessions.ended_at', 'is', null)
        .on('sessions.expires_at', '>', sql<Date>`now()`),
    )
    .selectAll('users')
    .select(['tokens.payload_sealed', 'tokens.consumed_at', 'tokens.answered_at', 'tokens.grant_id'])
    .select(['grants.payload as grant_payload', sql<boolean>`grants.expires_at > now()`.as('grant_lives')])
    .where('tokens.id_hash', '=', idHash)
    .where('tokens.kind', '=', kind)
    .where('tokens.expires_at', '>', sql<Date>`now()`)
    .where('users.disabled_at', 'is', null)
    .where((eb) => eb.or([eb('tokens.offline', '=', true), eb('sessions.uid', 'is not', null)]))
    .executeTakeFirst();
  return (
    row && {
      payloadSealed: row.payload_sealed,
      consumedAt: row.consumed_at,
      answeredAt: row.answered_at,
      user: toUser(row),
      grant: row.grant_lives ? { id: row.grant_id, payload: row.grant_payload } : undefined,
    }
  );
}

/** Looking a refresh token up is the use of an application that people see; in the same statement, seldom a write. */
function finding(db: Kysely<Tables>, kind: string, idHash: string) {
  return db.with('used', (used) =>
    used
      .updateTable('grants')
      .set({ last_used_at: sql`now()` })
      .where('last_used_at', '<', sql<Date>`now() - interval '10 minutes'`)
      .where('id', '=', (eb) =>
        eb
          .selectFrom('tokens')
          .select('grant_id')
          .where('id_hash', '=', kind === 'RefreshToken' ? idHash : ''),
      ),
  );
}
