import type { Context } from 'koa';
import type { Origin } from '../../http/app.ts';
import { acrTwoFactors } from '../../domain/authentication.ts';
import type { RequestContext } from '../../domain/audit-event.ts';
import type { User } from '../../domain/user.ts';
import { Fault, InvalidInput } from '../../errors.ts';
import { readFields, type Fields } from '../../http/forms.ts';
import { stepUpChallenge } from '../../http/step-up-challenge.ts';
import type { CheckedToken } from '../../provider/check-access-token.ts';
import { accountScope } from '../../provider/resource-servers.ts';
import type { AccountServices } from '../account-request.ts';
import { freshProofSeconds } from '../account-session.ts';

/** One call of the account API, its token checked: a living person who proved both factors. */
export interface ApiRequest {
  readonly ctx: Context;
  readonly services: AccountServices;
  readonly user: User;
  readonly token: CheckedToken;
  readonly scheme: 'Bearer' | 'DPoP';
  /** Empty where the call has no body. */
  readonly fields: Fields;
  readonly context: RequestContext;
}

/**
 * Checks the token at every call. Throws `Fault` 401 (`unauthorized`, `insufficient_user_authentication`) and 403
 * (`insufficient_scope`), each with its challenge in the header (RFC 6750 section 3, RFC 9470 section 3).
 */
export async function loadApiRequest(ctx: Context, services: AccountServices): Promise<ApiRequest> {
  const check = await services.checkToken({
    authorization: ctx.get('Authorization'),
    dpop: ctx.get('DPoP'),
    certificate: (ctx.state as { origin?: Pick<Origin, 'certificate'> }).origin?.certificate?.certificate,
    method: ctx.method,
    path: ctx.path,
  });
  if (check.kind === 'refused') {
    ctx.set('WWW-Authenticate', check.challenge);
    throw new Fault('unauthorized', 401, 'an access token for this API is needed');
  }
  const { token, scheme } = check;
  const user = token.accountId === null ? undefined : await services.findUser(token.accountId);
  if (!token.scopes.has(accountScope) || user === undefined || user.disabledAt !== null) {
    ctx.set('WWW-Authenticate', `${scheme} error="insufficient_scope", scope="${accountScope}"`);
    throw new Fault('insufficient_scope', 403, 'the token is not one of a person for their account');
  }
  const hasBody = ctx.method === 'POST' || ctx.method === 'PATCH';
  const context = services.requestContext(ctx);
  const request = { ctx, services, user, token, scheme, context, fields: new Map() as Fields };
  if (!token.twoFactors) return refuseWeakProof(request);
  return hasBody ? { ...request, fields: await readFields(ctx) } : request;
}

/** Refuses names that the call does not know, so that a misspelt one is never silently left out. */
export function allowFields({ fields }: ApiRequest, ...names: readonly string[]): void {
  for (const name of fields.keys()) {
    if (!names.includes(name)) throw new InvalidInput(name, 'this call has no such field', 'unknown_field');
  }
}

/** The value of a field that must be there. Throws `InvalidInput` (`required`). */
export function needField({ fields }: ApiRequest, name: string): string {
  const value = fields.get(name);
  if (value === undefined || value === '') throw new InvalidInput(name, 'this field is needed', 'required');
  return value;
}

/**
 * The proof of a change: a code in the same call, which serves that one act; or both factors proven at most five
 * minutes ago.
 */
export async function proveChange(request: ApiRequest): Promise<void> {
  if (request.fields.has('code')) return proveByCode(request);
  if (!hasFreshProof(request)) await refuseWeakProof(request);
}

/** Takes the code of the call; it is charged like a code at every other door. */
export async function proveByCode(request: ApiRequest): Promise<void> {
  const { ctx, services, user, token, context } = request;
  const proof = await services.proveCode({
    userId: user.id,
    boundTo: token.boundTo,
    signedInAt: token.authTime,
    lane: await services.laneOf(services.browserToken(ctx), user.id),
    code: needField(request, 'code'),
    context,
  });
  switch (proof.kind) {
    case 'accepted':
      return;
    case 'wait':
      throw new Fault('too_many_attempts', 429, 'wait before the next code', {
        retryAfterSeconds: proof.retryAfterSeconds,
        field: 'code',
      });
    case 'clock-off':
      throw new Fault(proof.offsetSeconds > 0 ? 'clock_ahead' : 'clock_behind', 422, 'the phone’s clock is off', {
        field: 'code',
      });
    case 'wrong':
      throw new Fault('wrong_code', 422, 'the code is wrong, or was used before', { field: 'code' });
    case 'sign-in-again':
      await refuseWeakProof(request);
  }
}

function hasFreshProof({ services, token }: ApiRequest): boolean {
  return services.epochSeconds() - token.authTime <= freshProofSeconds;
}

async function refuseWeakProof({ ctx, services, user, token, scheme, context }: ApiRequest): Promise<never> {
  const code = 'insufficient_user_authentication';
  await services.recordRefusal(user.id, {
    method: ctx.method,
    path: ctx.path.replaceAll(/[^/]{16,}/g, ':id'),
    code,
    client: token.clientId,
    context,
  });
  ctx.set(
    'WWW-Authenticate',
    stepUpChallenge({ acrValues: [acrTwoFactors], maxAgeSeconds: freshProofSeconds, scheme }),
  );
  throw new Fault(code, 401, 'a fresh proof of both factors is needed');
}
