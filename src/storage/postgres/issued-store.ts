import { sql } from 'kysely';
import { Conflict } from '../../errors.ts';
import type { Issued, SavedGrant, SavedSession, TokenRecord, WriteIssued } from '../../provider/stores.ts';
import type { SendAtOnce, Statement } from './at-once.ts';
import { isForeignKeyViolation, isUniqueViolation } from './faults.ts';
import { returningUnwaited } from './may-be-lost.ts';
import { savingSession } from './session-store.ts';

/** Longer than any interaction lives. */
const resumedSeconds = 86_400;

export function savingGrant({ id, userId, clientId, payload, lifetimeSeconds }: SavedGrant, mayBeLost: boolean) {
  return sql`
    insert into grants (id, user_id, client_id, payload, expires_at)
    values (${id}, ${userId}, ${clientId}, ${JSON.stringify(payload)}::jsonb,
      now() + make_interval(secs => ${lifetimeSeconds}))
    on conflict (id) do update set payload = excluded.payload, expires_at = excluded.expires_at,
      last_used_at = now()
    ${mayBeLost ? returningUnwaited : sql``}`;
}

/** An update never clears what was consumed. */
export function savingToken(token: TokenRecord, lifetimeSeconds: number, mayBeLost: boolean) {
  return sql`
    insert into tokens (id_hash, kind, grant_id, session_uid, offline, payload_sealed, expires_at)
    values (${token.idHash}, ${token.kind}, ${token.grantId}, ${token.sessionUid}, ${token.offline},
      ${token.payloadSealed}, now() + make_interval(secs => ${lifetimeSeconds}))
    on conflict (id_hash) do update set payload_sealed = excluded.payload_sealed,
      expires_at = excluded.expires_at
    ${mayBeLost ? returningUnwaited : sql``}`;
}

/** A token without its grant is refused by the foreign key. */
export function asGrantEnded(error: unknown): unknown {
  return isForeignKeyViolation(error) ? new Conflict('grant_ended', 'the grant was ended meanwhile') : error;
}

/** No `on conflict`: the second of two is a fault, which undoes all that stands beside it. */
const resuming = (idHash: string) => sql`
  insert into used_once (kind, id_hash, expires_at)
  values ('resume', ${idHash}, now() + make_interval(secs => ${resumedSeconds}))`;

/** `saveSession` looks again where a race hid the session from the one look of the statement. */
export function createWriteIssued(
  sendAtOnce: SendAtOnce,
  saveSession: (session: SavedSession) => Promise<void>,
): WriteIssued {
  return async (issued) => {
    const statements = statementsOf(issued);
    if (statements.length === 0) return;
    const answers = await sendAtOnce(statements).catch((error: unknown) => {
      if (isUniqueViolation(error)) throw new Conflict('interaction_over', 'the interaction was resumed before');
      throw asGrantEnded(error);
    });
    if (issued.session === undefined) return;
    const [saved] = (answers.at(-1) ?? []) as readonly { readonly done?: boolean }[];
    if (saved?.done !== true) await saveSession(issued.session);
  };
}

function statementsOf({ resumed, grants, codes, session }: Issued): Statement[] {
  const mayBeLost = resumed === undefined;
  return [
    ...(resumed === undefined ? [] : [resuming(resumed)]),
    ...grants.map((grant) => savingGrant(grant, mayBeLost)),
    ...codes.map(({ code, lifetimeSeconds }) => savingToken(code, lifetimeSeconds, mayBeLost)),
    ...(session === undefined ? [] : [savingSession(session, mayBeLost)]),
  ];
}
