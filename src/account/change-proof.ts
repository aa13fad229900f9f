import type { FormError } from '../http/page-parts.ts';
import { frameOf, type AccountRequest } from './account-request.ts';

/**
 * Whether a change may go on: a code came with it, or both factors were proven within the last five minutes. Otherwise
 * the page `confirm-change` was answered, which sends the same form again together with a code: nothing typed is lost.
 * Who has no factor to give a code of signs in again.
 */
export async function proveChange(request: AccountRequest): Promise<boolean> {
  const { ctx, services, session, user, fields } = request;
  const gaveCode = (fields.get('code') ?? '') !== '';
  if (!gaveCode && services.sessions.isFresh(session)) return true;
  if (!gaveCode && !(await services.status(user.id)).enabled) {
    services.sessions.startSignIn(ctx, '/account', true);
    return false;
  }
  const refused = gaveCode ? await takeCode(request) : undefined;
  if (refused === 'signing-in') return false;
  if (gaveCode && refused === undefined) return true;
  const carried = [...fields].filter(([name]) => name !== 'code' && name !== 'csrf');
  services.views.page(
    ctx,
    'confirm-change',
    { ...frameOf(request, refused), action: `${services.prefix}${ctx.path}`, hidden: Object.fromEntries(carried) },
    { status: refused === undefined ? 200 : statusOf(refused) },
  );
  return false;
}

/**
 * Takes the code of a form as the fresh proof of that one act. Answers undefined where the act may go on; after five
 * wrong ones the person signs in again.
 */
export async function takeCode(
  request: AccountRequest,
  told: (by: 'one-time-code' | 'recovery-code') => void = () => {},
): Promise<FormError | 'signing-in' | undefined> {
  const { ctx, services, session, user, fields, context } = request;
  const code = fields.get('code') ?? '';
  if (code === '') return { code: 'required', field: 'code' };
  const proof = await services.proveCode({
    userId: user.id,
    boundTo: session.uid,
    signedInAt: session.signedInAt,
    lane: await services.laneOf(services.browserToken(ctx), user.id),
    code,
    context,
  });
  switch (proof.kind) {
    case 'accepted':
      told(proof.by);
      return undefined;
    case 'sign-in-again':
      services.sessions.startSignIn(ctx, '/account', true);
      return 'signing-in';
    case 'wait':
      ctx.set('Retry-After', String(proof.retryAfterSeconds));
      return { code: 'wait', field: 'code', values: { seconds: proof.retryAfterSeconds } };
    case 'clock-off': {
      const minutes = Math.max(1, Math.round(Math.abs(proof.offsetSeconds) / 60));
      const late = proof.offsetSeconds > 0 ? 'clock-ahead' : 'clock-behind';
      return { code: late, field: 'code', values: { minutes } };
    }
    case 'wrong':
      return { code: 'wrong-proof', field: 'code' };
  }
}

/** Checks the current password of a form, charged like any other; undefined where it was right. */
export async function takeCurrentPassword(request: AccountRequest): Promise<FormError | undefined> {
  const { ctx, services, user, fields, context } = request;
  const field = 'current_password';
  const password = fields.get(field) ?? '';
  if (password === '') return { code: 'required', field };
  const knownBrowserToken = services.browserToken(ctx);
  const checked = await services.checkPassword({ login: user.username, password, knownBrowserToken, context });
  if (checked.kind === 'right') return undefined;
  if (checked.kind === 'wrong') return { code: 'wrong-current-password', field };
  ctx.set('Retry-After', String(checked.retryAfterSeconds));
  return { code: 'wait', field, values: { seconds: checked.retryAfterSeconds } };
}

/** The status of a page that is shown again with an error. */
export function statusOf(error: FormError | undefined): number {
  if (error === undefined) return 200;
  return error.code === 'wait' ? 429 : 422;
}
