import { shortestAlone, shortestWithSecondFactor, type PasswordVerdict } from '../domain/password-policy.ts';
import { NotFound } from '../errors.ts';
import type { FormError } from '../http/page-parts.ts';
import { frameOf, goTo, type AccountRequest } from './account-request.ts';
import { activityShown } from './activity-pages.ts';
import { proveChange, statusOf, takeCode, takeCurrentPassword } from './change-proof.ts';

/** The overview: is my account protected, what happened lately, what should I do. */
export async function showOverview(request: AccountRequest): Promise<void> {
  const { ctx, services, user } = request;
  const { enabled, authenticators, recoveryCodesRemaining } = await services.status(user.id);
  const sessions = await services.listSessions(user.id);
  services.views.page(ctx, 'account', {
    ...frameOf(request),
    secondFactor: {
      enabled,
      required: await services.isSecondFactorRequired(user.id),
      authenticators: authenticators.length,
      recoveryCodesRemaining,
    },
    passwordChangedAt: user.passwordChangedAt,
    emailVerified: user.emailVerified,
    sessions: sessions.length,
    waitingRequests: (await services.listBackchannelRequests(user.id)).length,
    warnings: await activityShown(services, await services.listWarnings(user.id)),
    recent: await activityShown(services, (await services.listActivity(user.id, { limit: 5 })).events),
  });
}

export async function showPassword(request: AccountRequest, error?: FormError): Promise<void> {
  const { ctx, services, user } = request;
  const { enabled } = await services.status(user.id);
  services.views.page(
    ctx,
    'account-password',
    {
      ...frameOf(request, error),
      changedAt: user.passwordChangedAt,
      leastLength: (await services.hasSecondFactor(user.id)) ? shortestWithSecondFactor : shortestAlone,
      proof: { password: true, code: enabled },
    },
    { status: statusOf(error) },
  );
}

/**
 * A new password takes the old one and a code in the same act; it ends every other session. It is judged first: a code
 * serves once, and must not be spent on a password that is refused anyway.
 */
export async function changePassword(request: AccountRequest): Promise<void> {
  const { ctx, services, session, user, fields, context } = request;
  const names = [user.username, user.email ?? ''];
  const password = fields.get('new_password') ?? '';
  const unfit = passwordError(await services.judgePassword(user.id, password, names));
  if (unfit !== undefined) return showPassword(request, unfit);
  const wrong = await takeCurrentPassword(request);
  if (wrong !== undefined) return showPassword(request, wrong);
  const { enabled } = await services.status(user.id);
  const refused = enabled ? await takeCode(request) : undefined;
  if (refused === 'signing-in') return;
  if (refused !== undefined) return showPassword(request, refused);
  if (!enabled && !(await proveChange(request))) return;
  await services.setPassword({
    userId: user.id,
    names,
    password,
    secondFactorProven: enabled,
    type: 'password.changed',
    provenBy: { sessionUid: session.uid },
    keepSession: session.uid,
    context,
  });
  // Every browser that was known went with the old password; this one proved itself just now.
  await services.rememberBrowser(ctx, user.id);
  return goTo(request, '/account/password', 'password-changed');
}

function passwordError(verdict: PasswordVerdict): FormError | undefined {
  const field = 'new_password';
  switch (verdict.kind) {
    case 'good':
      return undefined;
    case 'too-short':
      return { code: 'password-too-short', field, values: { least: verdict.least } };
    case 'too-long':
      return { code: 'password-too-long', field, values: { most: verdict.most } };
    case 'common':
      return { code: 'password-common', field };
  }
}

export async function showSessions(request: AccountRequest): Promise<void> {
  const { ctx, services, session, user } = request;
  const listed = await services.listSessions(user.id);
  const sessions = await Promise.all(
    listed.map(async ({ uid, userAgent, address, startedAt, lastSeenAt, clientIds }) => ({
      id: uid,
      userAgent,
      address,
      startedAt,
      lastSeenAt,
      isThis: uid === session.uid,
      applications: await Promise.all(clientIds.filter((id) => !services.isOwnClient(id)).map(services.clientName)),
    })),
  );
  // This browser first, the others by when they were last seen.
  sessions.sort((a, b) => Number(b.isThis) - Number(a.isThis));
  services.views.page(ctx, 'sessions', { ...frameOf(request), sessions });
}

export async function endSession(request: AccountRequest, uid: string): Promise<void> {
  const { services, user, context } = request;
  if (!(await proveChange(request))) return;
  if (!(await services.endSession(user.id, uid, context))) throw new NotFound();
  goTo(request, '/account/sessions', 'session-ended');
}

export async function endOtherSessions(request: AccountRequest): Promise<void> {
  const { services, user, session, context } = request;
  if (!(await proveChange(request))) return;
  await services.endOtherSessions(user.id, session.uid, context);
  goTo(request, '/account/sessions', 'other-sessions-ended');
}

export async function showApplications(request: AccountRequest): Promise<void> {
  const { ctx, services, user } = request;
  const applications = await services.listApplications(user.id);
  services.views.page(ctx, 'applications', { ...frameOf(request), applications });
}

export async function revokeApplication(request: AccountRequest, clientId: string): Promise<void> {
  const { services, user, context } = request;
  if (!(await proveChange(request))) return;
  if (!(await services.revokeConsent(user.id, clientId, context))) throw new NotFound();
  goTo(request, '/account/applications', 'application-revoked');
}

/** Signing out here ends the session at the service; relying parties keep what they have until it expires. */
export async function signOut(request: AccountRequest): Promise<void> {
  const { services, user, session, context } = request;
  await services.endSession(user.id, session.uid, context);
  services.views.page(request.ctx, 'logged-out', { continueHref: `${services.prefix}/account` });
}
