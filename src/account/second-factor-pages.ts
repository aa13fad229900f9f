import { mostAuthenticators } from '../second-factor/enrol-authenticator.ts';
import { recoveryCodesInSet } from '../domain/recovery-code.ts';
import { NotFound } from '../errors.ts';
import type { FormError } from '../http/page-parts.ts';
import { frameOf, goTo, type AccountRequest } from './account-request.ts';
import { proveChange, statusOf, takeCode } from './change-proof.ts';

/** The person's authenticators. */
export async function showAuthenticators(request: AccountRequest, error?: FormError): Promise<void> {
  const { ctx, services, user, session } = request;
  const { authenticators } = await services.status(user.id);
  // Only the session that began it can go on with it.
  const pending = await services.enrolment.showPending(user.id, user.username, session.uid);
  services.views.page(
    ctx,
    'authenticators',
    {
      ...frameOf(request, error),
      authenticators,
      pending: pending && { label: pending.label, expiresAt: pending.expiresAt },
      most: mostAuthenticators,
      lastMayGo: !(await services.isSecondFactorRequired(user.id)),
    },
    { status: statusOf(error) },
  );
}

export async function startEnrolment(request: AccountRequest): Promise<void> {
  const { services, user, session, fields, context } = request;
  if (!(await proveChange(request))) return;
  const { authenticators } = await services.status(user.id);
  if (authenticators.length >= mostAuthenticators) {
    return showAuthenticators(request, { code: 'too-many-authenticators', values: { most: mostAuthenticators } });
  }
  const wait = await services.chargeEnrolment(user.id);
  if (wait > 0) {
    request.ctx.set('Retry-After', String(wait));
    return showAuthenticators(request, { code: 'wait', values: { seconds: wait } });
  }
  await services.enrolment.start({
    userId: user.id,
    accountName: user.email ?? user.username,
    label: fields.get('label') ?? '',
    boundTo: session.uid,
    context,
  });
  goTo(request, '/account/authenticators/add');
}

export async function showAddAuthenticator(request: AccountRequest, error?: FormError): Promise<void> {
  const { ctx, services, user, session } = request;
  const accountName = user.email ?? user.username;
  const enrolment = await services.enrolment.showPending(user.id, accountName, session.uid);
  if (enrolment === undefined) return goTo(request, '/account/authenticators');
  const { enabled } = await services.status(user.id);
  const options = { status: statusOf(error) };
  services.views.page(ctx, 'add-authenticator', { ...frameOf(request, error), enrolment, isFirst: !enabled }, options);
}

export async function confirmAuthenticator(request: AccountRequest): Promise<void> {
  const { ctx, services, user, session, fields, context } = request;
  const pending = await services.enrolment.showPending(user.id, user.username, session.uid);
  if (pending === undefined) return goTo(request, '/account/authenticators');
  const code = fields.get('code') ?? '';
  const outcome = await services.enrolment.confirm({
    userId: user.id,
    id: pending.id,
    boundTo: session.uid,
    provenBy: { sessionUid: session.uid },
    keepSession: session.uid,
    code,
    context,
  });
  if (outcome.kind === 'wrong') {
    const { triesLeft } = outcome;
    return showAddAuthenticator(request, { code: 'wrong-enrolment-code', field: 'code', values: { triesLeft } });
  }
  if (outcome.kind === 'void') {
    await services.enrolment.cancel(user.id);
    return goTo(request, '/account/authenticators');
  }
  if (outcome.recoveryCodes === null) return goTo(request, '/account/authenticators', 'authenticator-added');
  showNewCodes({ ...request, ctx }, outcome.recoveryCodes);
}

export async function cancelEnrolment(request: AccountRequest): Promise<void> {
  await request.services.enrolment.cancel(request.user.id, request.context);
  goTo(request, '/account/authenticators', 'enrolment-cancelled');
}

export async function renameAuthenticator(request: AccountRequest, id: string): Promise<void> {
  const { services, user, fields, context } = request;
  if (!(await proveChange(request))) return;
  const renamed = isUuid(id) && (await services.change.rename(user.id, id, fields.get('label') ?? '', context));
  if (!renamed) throw new NotFound();
  goTo(request, '/account/authenticators', 'authenticator-renamed');
}

export async function showRemoveAuthenticator(request: AccountRequest, id: string, error?: FormError): Promise<void> {
  const { ctx, services, user } = request;
  const { authenticators } = await services.status(user.id);
  const authenticator = authenticators.find((one) => one.id === id);
  if (authenticator === undefined) throw new NotFound();
  const isLast = authenticators.length === 1;
  const options = { status: statusOf(error) };
  services.views.page(ctx, 'remove-authenticator', { ...frameOf(request, error), authenticator, isLast }, options);
}

export async function removeAuthenticator(request: AccountRequest, id: string): Promise<void> {
  const { services, session, user, context } = request;
  const { authenticators } = await services.status(user.id);
  if (!authenticators.some((one) => one.id === id)) throw new NotFound();
  const lastMayGo = !(await services.isSecondFactorRequired(user.id));
  if (authenticators.length === 1 && !lastMayGo) {
    return showRemoveAuthenticator(request, id, { code: 'last-authenticator' });
  }
  const refused = await takeCode(request);
  if (refused === 'signing-in') return;
  if (refused !== undefined) return showRemoveAuthenticator(request, id, refused);
  const outcome = await services.change.remove(user.id, id, lastMayGo, context, { sessionUid: session.uid });
  if (outcome.kind === 'last-one') return showRemoveAuthenticator(request, id, { code: 'last-authenticator' });
  goTo(request, '/account/authenticators', 'authenticator-removed');
}

export async function showRecoveryCodes(request: AccountRequest, error?: FormError): Promise<void> {
  const { ctx, services, user } = request;
  const { enabled, recoveryCodesRemaining, recoveryCodesTotal, recoveryCodesCreatedAt } = await services.status(
    user.id,
  );
  services.views.page(
    ctx,
    'account-recovery-codes',
    {
      ...frameOf(request, error),
      remaining: recoveryCodesRemaining,
      total: Math.max(recoveryCodesInSet, recoveryCodesTotal),
      enabled,
      createdAt: recoveryCodesCreatedAt,
    },
    { status: statusOf(error) },
  );
}

export async function replaceRecoveryCodes(request: AccountRequest): Promise<void> {
  const { services, session, user, context } = request;
  const refused = await takeCode(request);
  if (refused === 'signing-in') return;
  if (refused !== undefined) return showRecoveryCodes(request, refused);
  const provenBy = { sessionUid: session.uid };
  showNewCodes(request, await services.change.replaceRecoveryCodes(user.id, provenBy, context));
}

function showNewCodes(request: AccountRequest, codes: readonly string[]): void {
  const { ctx, services } = request;
  services.views.page(ctx, 'new-recovery-codes', { ...frameOf(request), codes, createdAt: services.now() });
}

function isUuid(text: string): boolean {
  return /^[0-9a-f-]{36}$/.test(text);
}
