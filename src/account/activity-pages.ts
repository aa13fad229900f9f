import { activityDays } from '../domain/activity.ts';
import type { User } from '../domain/user.ts';
import { InvalidInput, NotFound } from '../errors.ts';
import type { ActivityShown } from '../http/account-pages.ts';
import type { Activity } from './activity.ts';
import { goTo, frameOf, type AccountRequest, type AccountServices } from './account-request.ts';
import { proveChange } from './change-proof.ts';

const eventsOnPage = 25;

/** Everything of the last 90 days, in words, by pages. */
export async function showActivity(request: AccountRequest): Promise<void> {
  const { ctx, services, user } = request;
  const { cursor } = ctx.query;
  if (Array.isArray(cursor)) throw new InvalidInput('cursor', 'this cursor was not made here');
  const { events, nextCursor } = await services.listActivity(user.id, { limit: eventsOnPage, cursor });
  services.views.page(ctx, 'activity', {
    ...frameOf(request),
    events: await activityShown(services, events),
    days: activityDays,
    nextCursor,
  });
}

/** The same as pages show it, with the relying parties by their names. */
export async function activityShown(
  services: Pick<AccountServices, 'clientName' | 'isOwnClient'>,
  events: readonly Activity[],
): Promise<ActivityShown[]> {
  return Promise.all(
    events.map(async ({ clientId, ...event }) => ({
      ...event,
      relyingParty:
        clientId === null || services.isOwnClient(clientId) ? undefined : await services.clientName(clientId),
    })),
  );
}

/** "This was not me": says what will be done, and does it by one button. */
export async function showNotMe(request: AccountRequest, id: string): Promise<void> {
  const { ctx, services, session, user } = request;
  const { type: what, at, address } = await findDisputed(request, id);
  services.views.page(ctx, 'not-me', {
    action: `${services.prefix}${ctx.path}`,
    csrf: services.csrf.token(`account:${session.uid}`),
    event: { what, at, address },
    staysHere: !canBeLedBack(user),
    backHref: `${services.prefix}/account/activity`,
  });
}

/**
 * Locks everybody out and undoes what was changed lately, as the link in a mail does. It takes a fresh proof: whoever
 * merely found a session open must not undo what its owner did. Where no verified address is known the way back would
 * be closed to the owner too: then all other sessions end, and the password is to be changed.
 */
export async function lockDown(request: AccountRequest, id: string): Promise<void> {
  const { ctx, services, session, user, context } = request;
  await findDisputed(request, id);
  if (!(await proveChange(request))) return;
  if (!canBeLedBack(user)) {
    await services.endOtherSessions(user.id, session.uid, context);
    goTo(request, '/account/password', 'other-sessions-ended');
    return;
  }
  await services.lockDown(user.id, context);
  services.views.page(ctx, 'notice', { code: 'not-me-done' });
}

const canBeLedBack = ({ email, emailVerified }: User): boolean => email !== null && emailVerified;

async function findDisputed({ services, user }: AccountRequest, id: string): Promise<Activity> {
  const event = /^\d{1,18}$/.test(id) ? await services.findActivity(user.id, id) : undefined;
  if (event === undefined || !event.mayBeDisputed) throw new NotFound();
  return event;
}
