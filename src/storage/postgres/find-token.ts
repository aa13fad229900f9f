import type { Kysely, Selectable } from 'kysely';
import type { FoundToken } from '../../provider/stores.ts';
import { notEnded } from './not-ended.ts';
import { part, statement, verbatim } from './statement.ts';
import type { Tables } from './tables.ts';
import type { UsersTable } from './tables/users.ts';
import { toUser } from './user-store.ts';

interface FindArguments {
  readonly kind: string;
  readonly idHash: string;
}

interface Row extends Selectable<UsersTable> {
  readonly payload_sealed: string;
  readonly consumed_at: Date | null;
  readonly answered_at: Date | null;
  readonly grant_id: string;
  readonly grant_payload: Record<string, unknown>;
  readonly grant_lives: boolean;
}

const finding = part<FindArguments>`
  select u.*, t.payload_sealed, t.consumed_at, t.answered_at, t.grant_id, g.payload as grant_payload,
    g.expires_at > now() as grant_lives
  from tokens t
  join grants g on g.id = t.grant_id
  join users u on u.id = g.user_id and u.disabled_at is null
  -- A join, since "or exists" may be answered by reading every live session there is.
  left join sessions s on s.uid = t.session_uid and ${verbatim(notEnded('s.ended_at'))} and s.expires_at > now()
  where t.id_hash = ${'idHash'} and t.kind = ${'kind'} and t.expires_at > now() and (t.offline or s.uid is not null)`;
const find = statement<FindArguments, Row>`${finding}`;
/** Looking a refresh token up is the use of an application that people see; in the same statement, seldom a write. */
const findInUse = statement<FindArguments, Row>`
  with used as (
    update grants set last_used_at = now()
    where last_used_at < now() - interval '10 minutes'
      and id = (select grant_id from tokens where id_hash = ${'idHash'})
  )
  ${finding}`;

/** A live token with its person and grant: of a person not disabled, and offline or of a session that goes on. */
export async function findToken(db: Kysely<Tables>, kind: string, idHash: string): Promise<FoundToken | undefined> {
  const [row] = await (kind === 'RefreshToken' ? findInUse : find)(db, { kind, idHash });
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
