import { shortestWithSecondFactor } from '../domain/password-policy.ts';
import { NotFound } from '../errors.ts';
import type { FormError } from '../http/page-parts.ts';
import { readConsentName } from '../provider/resource-servers.ts';
import { frameOf, goTo, hasFreshProof, takeCode, type AccountRequest } from './account-request.ts';

/** The overview: is my account protected, what happened lately, what should I do. */
export async function showOverview(request: AccountRequest): Promise<void> {
  const { ctx, services, user } = request;
  const { enabled, authenticators, recoveryCodesRemaining } = await services.status(user.id);
  const sessions = await services.listSessions(user.id);
  services.views.page(ctx, 'account', {
    ...frameOf(request),
    secondFactor: {
      enabled,
      required: services.isSecondFactorRequired(),
      authenticators: authenticators.length,
      recoveryCodesRemaining,
    },
    passwordChangedAt: user.passwordChangedAt,
    emailVerified: user.emailVerified,
    sessions: sessions.length,
    recent: [],
  });
}

export async function showPassword(request: AccountRequest, error?: FormError): Promise<void> {
  const { ctx, services, user } = request;
  services.views.page(
    ctx,
    'account-password',
    {
      ...frameOf(request, error),
      changedAt: user.passwordChangedAt,
      leastLength: shortestWithSecondFactor,
      proof: { password: true, code: true },
    },
    { status: error === undefined ? 200 : 422 },
  );
}

/** A new password takes the old one and a code in the same act; it ends every session, this one too. */
export async function changePassword(request: AccountRequest): Promise<void> {
  const { ctx, services, user, fields, context } = request;
  const checked = await services.checkPassword({
    login: user.username,
    password: fields.get('current_password') ?? '',
    knownBrowserToken: services.browserToken(ctx),
    context,
  });
  if (checked.kind === 'wait') {
    return showPassword(request, { code: 'wait', values: { seconds: checked.retryAfterSeconds } });
  }
  if (checked.kind === 'wrong') {
    return showPassword(request, { code: 'wrong-current-password', field: 'current_password' });
  }
  const refused = await takeCode(request);
  if (refused === 'signing-in') return;
  if (refused !== undefined) return showPassword(request, refused);
  const outcome = await services.setPassword({
    userId: user.id,
    names: [user.username, user.email ?? ''],
    password: fields.get('new_password') ?? '',
    secondFactorProven: true,
    type: 'password.changed',
    context,
  });
  const field = 'new_password';
  switch (outcome.kind) {
    case 'set':
      return goTo(request, '/account');
    case 'too-short':
      return showPassword(request, { code: 'password-too-short', field, values: { least: outcome.least } });
    case 'too-long':
      return showPassword(request, { code: 'password-too-long', field, values: { most: outcome.most } });
    case 'common':
      return showPassword(request, { code: 'password-common', field });
  }
}

export async function showSessions(request: AccountRequest): Promise<void> {
  const { ctx, services, session, user } = request;
  const listed = await services.listSessions(user.id);
  const sessions = listed.map(({ uid, userAgent, address, startedAt, lastSeenAt }) => ({
    id: uid,
    userAgent,
    address,
    startedAt,
    lastSeenAt,
    isThis: uid === session.uid,
  }));
  services.views.page(ctx, 'sessions', { ...frameOf(request), sessions });
}

export async function endSession(request: AccountRequest, uid: string): Promise<void> {
  const { services, user, context } = request;
  if (!hasFreshProof(request, '/account/sessions')) return;
  if (!(await services.endSession(user.id, uid, context))) throw new NotFound();
  goTo(request, '/account/sessions', 'session-ended');
}

export async function endOtherSessions(request: AccountRequest): Promise<void> {
  const { services, user, session, context } = request;
  if (!hasFreshProof(request, '/account/sessions')) return;
  await services.endOtherSessions(user.id, session.uid, context);
  goTo(request, '/account/sessions', 'other-sessions-ended');
}

export async function showApplications(request: AccountRequest): Promise<void> {
  const { ctx, services, user } = request;
  const consents = await services.listConsents(user.id);
  const applications = await Promise.all(
    consents.map(async ({ clientId, scopes, allowedAt }) => ({
      id: clientId,
      name: await services.clientName(clientId),
      scopes: scopes.map((name) => readConsentName(name).scope),
      allowedAt,
    })),
  );
  services.views.page(ctx, 'applications', { ...frameOf(request), applications });
}

export async function revokeApplication(request: AccountRequest, clientId: string): Promise<void> {
  const { services, user, context } = request;
  if (!hasFreshProof(request, '/account/applications')) return;
  if (!(await services.revokeConsent(user.id, clientId, context))) throw new NotFound();
  goTo(request, '/account/applications', 'application-revoked');
}

/** Signing out here ends the session at the service; relying parties keep what they have until it expires. */
export async function signOut(request: AccountRequest): Promise<void> {
  const { services, user, session, context } = request;
  await services.endSession(user.id, session.uid, context);
  services.views.page(request.ctx, 'logged-out', { continueHref: `${services.prefix}/account` });
}
