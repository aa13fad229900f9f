import type { Kysely } from 'kysely';
import type { SavedSession } from '../../provider/stores.ts';
import { mayBeLost } from './may-be-lost.ts';
import { notEnded } from './not-ended.ts';
import { part, statement, verbatim } from './statement.ts';
import type { Tables } from './tables.ts';

interface SaveArguments {
  readonly uid: string;
  readonly idHash: string;
  readonly userId: string | null;
  readonly payload: string;
  readonly authorizations: string;
  readonly userAgent: string;
  readonly address: string;
  readonly lifetimeSeconds: number;
}

const expiresAt = part<SaveArguments>`now() + make_interval(secs => ${'lifetimeSeconds'})`;
/**
 * The id changes only from none (a rotation took the old one away) to one: a late save under an old id must not make the
 * old cookie live again, but its relying party's part is kept.
 */
const own = part<SaveArguments>`s.id_hash is null or s.id_hash = ${'idHash'}`;
const saving = part<SaveArguments>`
  with known as (select from sessions where uid = ${'uid'}),
  updated as (
    update sessions s set
      id_hash = coalesce(s.id_hash, ${'idHash'}),
      user_id = case when ${own} then ${'userId'}::uuid else s.user_id end,
      payload = case when ${own} then ${'payload'}::jsonb else s.payload end,
      authorizations = s.authorizations || ${'authorizations'}::jsonb,
      last_seen_at = now(),
      expires_at = case when ${own} then ${expiresAt} else s.expires_at end
    where s.uid = ${'uid'} and ${verbatim(notEnded('s.ended_at'))}),
  inserted as (
    insert into sessions (uid, id_hash, user_id, payload, authorizations, user_agent, address, expires_at)
    select ${'uid'}, ${'idHash'}, ${'userId'}::uuid, ${'payload'}::jsonb, ${'authorizations'}::jsonb,
      ${'userAgent'}, ${'address'}, ${expiresAt}
    where not exists (select from known)
    on conflict do nothing
    returning 1)
  select exists (select from known) or exists (select from inserted) as done`;
const insertNew = statement<SaveArguments, { readonly done: boolean }>`
  insert into sessions (uid, id_hash, user_id, payload, authorizations, user_agent, address, expires_at)
  values (${'uid'}, ${'idHash'}, ${'userId'}::uuid, ${'payload'}::jsonb, ${'authorizations'}::jsonb,
    ${'userAgent'}, ${'address'}, ${expiresAt})
  on conflict do nothing
  returning true as done, ${mayBeLost}`;
const saveDurable = statement<SaveArguments, { readonly done: boolean }>`${saving}`;
const saveLossy = statement<SaveArguments, { readonly done: boolean }>`${saving}, ${mayBeLost}`;

/**
 * One look: true where the session was there or is now, false where a race hid it, which the next look finds. With
 * `lossy` the commit does not wait for the disk.
 */
export async function saveSessionOnce(db: Kysely<Tables>, saved: SavedSession, lossy: boolean): Promise<boolean> {
  const [row] = await (lossy ? saveLossy : saveDurable)(db, argumentsOf(saved));
  return row?.done === true;
}

/** For one that nobody has seen yet: false where it was there all the same, and is to be saved like any other. */
export async function insertNewSession(db: Kysely<Tables>, saved: SavedSession): Promise<boolean> {
  const [row] = await insertNew(db, argumentsOf(saved));
  return row?.done === true;
}

function argumentsOf({ idHash, session, origin, lifetimeSeconds }: SavedSession): SaveArguments {
  return {
    uid: session.uid,
    idHash,
    userId: session.userId ?? null,
    payload: JSON.stringify(session.payload),
    authorizations: JSON.stringify(session.authorizations),
    userAgent: origin.userAgent.slice(0, 300),
    address: origin.address,
    lifetimeSeconds,
  };
}
