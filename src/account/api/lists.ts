import { NotFound } from '../../errors.ts';
import { activityDays } from '../../domain/activity.ts';
import { proveChange, type ApiRequest } from './api-request.ts';
import { pageAsked, pageOf } from './paging.ts';

/** GET /sessions */
export async function listSessions({ ctx, services, user, token }: ApiRequest): Promise<void> {
  const asked = pageAsked(ctx);
  const sessions = await services.listSessions(user.id);
  const items = sessions.map((one) => ({
    id: one.uid,
    user_agent: one.userAgent,
    address: one.address,
    started_at: one.startedAt.toISOString(),
    last_seen_at: one.lastSeenAt.toISOString(),
    current: one.uid === token.sessionUid,
    applications: one.clientIds,
  }));
  ctx.body = pageOf(items, ({ id }) => id, asked);
}

/** DELETE /sessions: all but the one the token belongs to. */
export async function endOtherSessions(request: ApiRequest): Promise<void> {
  const { ctx, services, user, token, context } = request;
  await proveChange(request);
  await services.endOtherSessions(user.id, token.sessionUid ?? '', context);
  ctx.status = 204;
}

/** DELETE /sessions/{id} */
export async function endSession(request: ApiRequest, id: string): Promise<void> {
  const { ctx, services, user, context } = request;
  await proveChange(request);
  if (!(await services.endSession(user.id, id, context))) throw new NotFound('there is no such session');
  ctx.status = 204;
}

/** GET /applications */
export async function listApplications({ ctx, services, user }: ApiRequest): Promise<void> {
  const asked = pageAsked(ctx);
  const items = (await services.listApplications(user.id)).map((one) => ({
    client_id: one.id,
    name: one.name,
    scopes: one.scopes,
    allowed_at: one.allowedAt.toISOString(),
    last_used_at: one.lastUsedAt?.toISOString() ?? null,
  }));
  ctx.body = pageOf(items, (one) => one.client_id, asked);
}

/** DELETE /applications: takes back the access of every one. */
export async function revokeApplications(request: ApiRequest): Promise<void> {
  const { ctx, services, user, context } = request;
  await proveChange(request);
  for (const { id } of await services.listApplications(user.id)) await services.revokeConsent(user.id, id, context);
  ctx.status = 204;
}

/** DELETE /applications/{client_id} */
export async function revokeApplication(request: ApiRequest, clientId: string): Promise<void> {
  const { ctx, services, user, context } = request;
  await proveChange(request);
  if (!(await services.revokeConsent(user.id, clientId, context))) throw new NotFound('there is no such application');
  ctx.status = 204;
}

/** GET /trusted-browsers */
export async function listTrustedBrowsers({ ctx, services, user }: ApiRequest): Promise<void> {
  const asked = pageAsked(ctx);
  const items = (await services.trustedBrowsers.list(user.id)).map((one) => ({
    id: one.id,
    user_agent: one.userAgent,
    address: one.address,
    client_id: one.clientId,
    trusted_at: one.trustedAt.toISOString(),
    last_used_at: one.lastUsedAt?.toISOString() ?? null,
    expires_at: one.expiresAt.toISOString(),
  }));
  ctx.body = pageOf(items, ({ id }) => id, asked);
}

/** DELETE /trusted-browsers: forgets every one. */
export async function forgetTrustedBrowsers(request: ApiRequest): Promise<void> {
  const { ctx, services, user, context } = request;
  await proveChange(request);
  await services.trustedBrowsers.revokeAll(user.id, user.id, context);
  ctx.status = 204;
}

/** DELETE /trusted-browsers/{id} */
export async function forgetTrustedBrowser(request: ApiRequest, id: string): Promise<void> {
  const { ctx, services, user, context } = request;
  await proveChange(request);
  if (!(await services.trustedBrowsers.revoke(user.id, id, user.id, context))) throw new NotFound();
  ctx.status = 204;
}

/** GET /activity: what happened in the last 90 days, newest first. */
export async function listActivity({ ctx, services, user }: ApiRequest): Promise<void> {
  const { events, nextCursor } = await services.listActivity(user.id, pageAsked(ctx));
  ctx.body = {
    items: events.map((one) => ({
      id: one.id,
      type: one.type,
      result: one.result,
      at: one.at.toISOString(),
      address: one.address,
      user_agent: one.userAgent,
      client_id: one.clientId,
    })),
    next_cursor: nextCursor,
    days: activityDays,
  };
}

/** GET /export: all that is known of the person, without any secret. */
export async function exportData({ ctx, services, user, context }: ApiRequest): Promise<void> {
  ctx.body = await services.exportData(user, context);
}
