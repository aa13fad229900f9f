import type { Kysely } from 'kysely';
import { Conflict } from '../../errors.ts';
import type { Issued, SavedGrant, SavedSession, TokenRecord, WriteIssued } from '../../provider/stores.ts';
import { createInOneTrip } from './database.ts';
import { isForeignKeyViolation, isUniqueViolation } from './faults.ts';
import { mayBeLost } from './may-be-lost.ts';
import { notEnded } from './not-ended.ts';
import { insertNewSession, saveSessionOnce } from './save-session.ts';
import { part, statement, verbatim } from './statement.ts';
import type { Tables } from './tables.ts';

/** Longer than any interaction lives. */
const resumedSeconds = 86_400;

interface GrantArguments {
  readonly id: string;
  readonly userId: string;
  readonly clientId: string;
  readonly json: string;
  readonly lifetimeSeconds: number;
}

const savingGrant = part<GrantArguments>`
  insert into grants (id, user_id, client_id, payload, expires_at)
  values (${'id'}, ${'userId'}, ${'clientId'}, ${'json'}::jsonb, now() + make_interval(secs => ${'lifetimeSeconds'}))
  on conflict (id) do update set payload = excluded.payload, expires_at = excluded.expires_at, last_used_at = now()`;
const saveDurableGrant = statement<GrantArguments, unknown>`${savingGrant}`;
const saveLossyGrant = statement<GrantArguments, unknown>`${savingGrant} returning ${mayBeLost}`;

/** With `lossy` the commit does not wait for the disk. */
export async function saveGrant(
  db: Kysely<Tables>,
  { payload, id, userId, clientId, lifetimeSeconds }: SavedGrant,
  lossy: boolean,
): Promise<void> {
  const given = { id, userId, clientId, json: JSON.stringify(payload), lifetimeSeconds };
  await (lossy ? saveLossyGrant : saveDurableGrant)(db, given);
}

type TokenArguments = TokenRecord & { readonly lifetimeSeconds: number };

/** An update never clears what was consumed. */
const savingToken = part<TokenArguments>`
  insert into tokens (id_hash, kind, grant_id, session_uid, offline, payload_sealed, expires_at)
  values (${'idHash'}, ${'kind'}, ${'grantId'}, ${'sessionUid'}, ${'offline'}, ${'payloadSealed'},
    now() + make_interval(secs => ${'lifetimeSeconds'}))
  on conflict (id_hash) do update set payload_sealed = excluded.payload_sealed, expires_at = excluded.expires_at`;
const saveDurableToken = statement<TokenArguments, unknown>`${savingToken}`;
const saveLossyToken = statement<TokenArguments, unknown>`${savingToken} returning ${mayBeLost}`;

/** Throws `Conflict` (`grant_ended`) where its grant is gone. */
export async function saveToken(
  db: Kysely<Tables>,
  token: TokenRecord,
  lifetimeSeconds: number,
  lossy: boolean,
): Promise<void> {
  try {
    await (lossy ? saveLossyToken : saveDurableToken)(db, { ...token, lifetimeSeconds });
  } catch (error) {
    throw isForeignKeyViolation(error) ? grantEnded() : error;
  }
}

/** No `on conflict`: the second of two is a fault, which undoes all that stands beside it. */
const resume = statement<{ readonly idHash: string; readonly lifetimeSeconds: number }, unknown>`
  insert into used_once (kind, id_hash, expires_at)
  values ('resume', ${'idHash'}, now() + make_interval(secs => ${'lifetimeSeconds'})) returning ${mayBeLost}`;

/** Shared, the lock makes whoever disables the person or ends all sessions wait, and then end this one too. */
const failUnlessStamped = statement<{ readonly userId: string; readonly securityStamp: string }, unknown>`
  select 1 / count(*)::int as stands from (
    select from users where id = ${'userId'} and disabled_at is null and security_stamp = ${'securityStamp'}
    for share) one`;
const failUnlessEnabled = statement<{ readonly userId: string }, unknown>`
  select 1 / count(*)::int as stands from (
    select from users where id = ${'userId'} and disabled_at is null for share) one`;
const failUnlessSignedIn = statement<{ readonly userId: string; readonly sessionUid: string }, unknown>`
  select 1 / count(*)::int as stands from sessions
  where uid = ${'sessionUid'} and user_id = ${'userId'} and ${verbatim(notEnded('ended_at'))}`;

/** See `holdProof`, which asks the same where an answer can be waited for. */
async function failUnlessProven(
  db: Kysely<Tables>,
  { userId, proof }: NonNullable<Issued['proven']>,
): Promise<unknown> {
  if ('securityStamp' in proof) return failUnlessStamped(db, { userId, ...proof });
  return Promise.all([failUnlessEnabled(db, { userId }), failUnlessSignedIn(db, { userId, ...proof })]);
}

const forgetSessionId = statement<{ readonly idHash: string }, never>`
  update sessions set id_hash = null where id_hash = ${'idHash'}`;

/** Of a trip's statements any may hear of the fault first, whichever it was that failed; only one can be doubled. */
function asConflict(error: unknown): unknown {
  if (isUniqueViolation(error)) return new Conflict('interaction_over', 'the interaction was resumed before');
  if (error instanceof Conflict && error.code === 'lost_race')
    return new Conflict('not_proven', 'what was proven in the interaction does not stand any more');
  return isForeignKeyViolation(error) ? grantEnded() : error;
}

const grantEnded = () => new Conflict('grant_ended', 'the grant was ended meanwhile');

/**
 * `saveSession` looks again where a race hid the session from the one look of the statement. No commit waits for the
 * disk, not even where an interaction was resumed: its record was taken out of the short-lived ones before, so that it
 * cannot come again, and what was issued would be lost together with the mark.
 */
export function createWriteIssued(
  kysely: Kysely<Tables>,
  saveSession: (session: SavedSession) => Promise<void>,
): WriteIssued {
  const inOneTrip = createInOneTrip(kysely, (db) => db);
  return async ({ resumed, forgotten, proven, grants, codes, session }: Issued) => {
    const nothingElse = resumed === undefined && forgotten === undefined;
    if (nothingElse && grants.length === 0 && codes.length === 0) return session && saveSession(session);
    const saved = await inOneTrip(async (db) => {
      const [, , isSaved] = await Promise.all([
        resumed !== undefined && proven !== undefined ? failUnlessProven(db, proven) : undefined,
        forgotten === undefined ? undefined : forgetSessionId(db, { idHash: forgotten }),
        session && (session.isNew ? insertNewSession(db, session) : saveSessionOnce(db, session, true)),
        resumed === undefined ? undefined : resume(db, { idHash: resumed, lifetimeSeconds: resumedSeconds }),
        ...grants.map((grant) => saveGrant(db, grant, true)),
        ...codes.map(({ code, lifetimeSeconds }) => saveToken(db, code, lifetimeSeconds, true)),
      ]);
      return isSaved;
    }).catch((error: unknown) => {
      throw asConflict(error);
    });
    if (session !== undefined && saved !== true) await saveSession(session);
  };
}
