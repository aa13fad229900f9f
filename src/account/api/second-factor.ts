import type { Proof } from '../../domain/proof.ts';
import { Conflict, Fault, InvalidInput, NotFound } from '../../errors.ts';
import { mostAuthenticators } from '../../second-factor/enrol-authenticator.ts';
import type { SecondFactorStatus } from '../../second-factor/status.ts';
import { allowFields, needField, proveByCode, proveChange, type ApiRequest } from './api-request.ts';

/** GET /second-factor */
export async function readSecondFactor({ ctx, services, user }: ApiRequest): Promise<void> {
  const status = await services.status(user.id);
  ctx.body = {
    enabled: status.enabled,
    required: await services.isSecondFactorRequired(user.id),
    authenticators: status.authenticators.map(authenticatorJson),
    recovery_codes_remaining: status.recoveryCodesRemaining,
  };
}

/** POST /second-factor/totp: a pending one, which changes nothing until it is confirmed. */
export async function startTotp(request: ApiRequest): Promise<void> {
  const { ctx, services, user, token, fields, context } = request;
  allowFields(request, 'label', 'code');
  await proveChange(request);
  const { authenticators } = await services.status(user.id);
  if (authenticators.length >= mostAuthenticators) {
    throw new Conflict('too_many_authenticators', `a person has at most ${mostAuthenticators} authenticators`);
  }
  const wait = await services.chargeEnrolment(user.id);
  if (wait > 0) {
    throw new Fault('too_many_attempts', 429, 'too many enrolments were begun', { retryAfterSeconds: wait });
  }
  const shown = await services.enrolment.start({
    userId: user.id,
    accountName: user.email ?? user.username,
    label: readLabel(fields.get('label') ?? ''),
    boundTo: token.boundTo,
    context,
  });
  ctx.status = 201;
  ctx.body = {
    id: shown.id,
    secret: shown.secret,
    otpauth_uri: shown.otpauthUri,
    qr_svg: shown.qrSvg,
    expires_at: shown.expiresAt.toISOString(),
  };
}

/** POST /second-factor/totp/{id}/confirm. The code is the new authenticator's own. */
export async function confirmTotp(request: ApiRequest, id: string): Promise<void> {
  const { ctx, services, user, token, context } = request;
  allowFields(request, 'code');
  const code = needField(request, 'code');
  const outcome = await services.enrolment.confirm({
    userId: user.id,
    id: knownId(id),
    boundTo: token.boundTo,
    provenBy: provenBy(request),
    keepSession: token.sessionUid,
    code,
    context,
  });
  // Expired, replaced, out of tries, begun elsewhere or somebody else's: one answer for all.
  if (outcome.kind === 'void') throw new NotFound('there is no such pending authenticator');
  if (outcome.kind === 'wrong') {
    throw new Fault('wrong_code', 422, 'this is not the code the new authenticator shows', { field: 'code' });
  }
  ctx.body = outcome.recoveryCodes === null ? {} : { recovery_codes: outcome.recoveryCodes };
}

/** DELETE /second-factor/totp/pending */
export async function dropPendingTotp({ ctx, services, user, context }: ApiRequest): Promise<void> {
  await services.enrolment.cancel(user.id, context);
  ctx.status = 204;
}

/** PATCH /second-factor/totp/{id} */
export async function renameTotp(request: ApiRequest, id: string): Promise<void> {
  const { ctx, services, user, context } = request;
  allowFields(request, 'label', 'code');
  const label = readLabel(needField(request, 'label'));
  await findOwn(request, id);
  await proveChange(request);
  if (!(await services.change.rename(user.id, id, label, context))) throw new NotFound();
  ctx.body = authenticatorJson(await findOwn(request, id));
}

/** POST /second-factor/totp/{id}/remove. What the policy forbids is refused before the code is spent on it. */
export async function removeTotp(request: ApiRequest, id: string): Promise<void> {
  const { ctx, services, user, context } = request;
  allowFields(request, 'code');
  needField(request, 'code');
  await findOwn(request, id);
  const lastMayGo = !(await services.isSecondFactorRequired(user.id));
  const { authenticators } = await services.status(user.id);
  if (authenticators.length === 1 && !lastMayGo) throw lastStays();
  await proveByCode(request);
  const outcome = await services.change.remove(user.id, id, lastMayGo, context, provenBy(request));
  if (outcome.kind === 'last-one') throw lastStays();
  if (outcome.kind === 'unknown') throw new NotFound();
  ctx.status = 204;
}

/** POST /second-factor/recovery-codes */
export async function replaceRecoveryCodes(request: ApiRequest): Promise<void> {
  const { ctx, services, user, context } = request;
  allowFields(request, 'code');
  needField(request, 'code');
  if (!(await services.status(user.id)).enabled) throw new Conflict('not_enabled', 'there is no second factor');
  await proveByCode(request);
  const codes = await services.change.replaceRecoveryCodes(user.id, provenBy(request), context);
  ctx.status = 201;
  ctx.body = { recovery_codes: codes };
}

/** POST /password */
export async function changePassword(request: ApiRequest): Promise<void> {
  const { ctx, services, user, token, fields, context } = request;
  allowFields(request, 'current_password', 'new_password', 'code');
  const password = needField(request, 'new_password');
  const current = needField(request, 'current_password');
  const { enabled } = await services.status(user.id);
  if (enabled) needField(request, 'code');
  const names = [user.username, user.email ?? ''];
  const verdict = await services.judgePassword(user.id, password, names);
  if (verdict.kind !== 'good') {
    throw new InvalidInput('new_password', 'this password is refused', `password_${verdict.kind.replace('-', '_')}`);
  }
  const checked = await services.checkPassword({
    login: user.username,
    password: current,
    knownBrowserToken: services.browserToken(ctx),
    context,
  });
  if (checked.kind === 'wait') {
    const { retryAfterSeconds } = checked;
    throw new Fault('too_many_attempts', 429, 'wait before the next try', { retryAfterSeconds });
  }
  if (checked.kind === 'wrong') {
    throw new Fault('wrong_password', 422, 'the current password is wrong', { field: 'current_password' });
  }
  await proveChange({ ...request, fields });
  await services.setPassword({
    userId: user.id,
    names,
    password,
    secondFactorProven: fields.has('code'),
    type: 'password.changed',
    provenBy: provenBy(request),
    keepSession: token.sessionUid,
    context,
  });
  ctx.status = 204;
}

/** The session that the token came from, or what stood when the person was read. */
function provenBy({ token, user }: ApiRequest): Proof {
  return token.sessionUid === null ? { securityStamp: user.securityStamp } : { sessionUid: token.sessionUid };
}

async function findOwn({ services, user }: ApiRequest, id: string) {
  const { authenticators } = await services.status(user.id);
  const found = authenticators.find((one) => one.id === id);
  if (found === undefined) throw new NotFound('there is no such authenticator');
  return found;
}

function authenticatorJson(one: SecondFactorStatus['authenticators'][number]) {
  return {
    id: one.id,
    label: one.label,
    type: one.type,
    created_at: one.createdAt.toISOString(),
    last_used_at: one.lastUsedAt?.toISOString() ?? null,
  };
}

function readLabel(label: string): string {
  if (label.length > 60) throw new InvalidInput('label', 'a label has at most 60 characters', 'too_long');
  return label;
}

function knownId(id: string): string {
  if (!/^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(id)) throw new NotFound();
  return id;
}

function lastStays(): Conflict {
  return new Conflict('last_authenticator', 'a second factor is required: the last one cannot be removed');
}
