import type { Context } from 'koa';
import type { Origin } from '../../http/app.ts';
import { acrTwoFactors } from '../../domain/authentication.ts';
import type { RequestContext } from '../../domain/audit-event.ts';
import { Fault } from '../../errors.ts';
import { stepUpChallenge } from '../../http/step-up-challenge.ts';
import type { AdminScope } from '../../provider/resource-servers.ts';
import { covers, cutScopes, scopesOfRoles, type Actor } from '../access.ts';
import type { AdminServices } from '../admin-services.ts';

/** Who a call's token speaks for, and how fresh the proof is. */
export interface Authenticated {
  readonly actor: Actor;
  readonly scheme: 'Bearer' | 'DPoP';
  /** Epoch seconds of the sign-in; undefined for a service, which proves itself at the token endpoint. */
  readonly authTime: number | undefined;
}

/** What is known of the call that is refused. */
export interface Refusal {
  readonly services: AdminServices;
  readonly ctx: Context;
  readonly context: RequestContext;
  /** The path as the table has it; ids tell too much. */
  readonly path: string;
}

/**
 * Looks the token up, at every call. A person's scopes are cut to what their roles allow now, a service's to what is
 * registered now. Throws `Fault` 401 with its challenge (RFC 6750 section 3, RFC 9470 section 3).
 */
export async function authenticate(refusal: Refusal): Promise<Authenticated> {
  const { services, ctx } = refusal;
  const check = await services.checkToken({
    authorization: ctx.get('Authorization'),
    dpop: ctx.get('DPoP'),
    certificate: (ctx.state as { origin?: Pick<Origin, 'certificate'> }).origin?.certificate?.certificate,
    method: ctx.method,
    path: ctx.path,
  });
  if (check.kind === 'refused') {
    ctx.set('WWW-Authenticate', check.challenge);
    return refuse(refusal, 'anonymous', new Fault('unauthorized', 401, 'an access token for this API is needed'));
  }
  const { token, scheme } = check;
  const registered = await services.registeredScope(token.clientId);
  const allowed = new Set((registered ?? '').split(' '));
  const unauthorized = (): Promise<never> => {
    ctx.set('WWW-Authenticate', `${scheme} error="invalid_token"`);
    const actor = token.accountId ?? `client:${token.clientId}`;
    return refuse(refusal, actor, new Fault('unauthorized', 401, 'an access token for this API is needed'));
  };
  if (registered === undefined) return unauthorized();
  const granted = cutScopes(token.scopes, allowed);
  if (token.accountId === null) {
    const actor: Actor = {
      id: `client:${token.clientId}`,
      user: null,
      clientId: token.clientId,
      scopes: granted,
    };
    return { actor, scheme, authTime: undefined };
  }
  const user = await services.findUser(token.accountId);
  if (user === undefined || user.disabledAt !== null) return unauthorized();
  if (!token.twoFactors) {
    ctx.set('WWW-Authenticate', stepUpChallenge({ acrValues: [acrTwoFactors], scheme }));
    return refuse(refusal, user.id, weakProof('a sign-in with two factors is needed'));
  }
  const scopes = cutScopes(granted, scopesOfRoles(user.roles));
  const actor: Actor = { id: user.id, user, clientId: token.clientId, scopes };
  return { actor, scheme, authTime: token.authTime };
}

/** Throws `Fault` 403 (`insufficient_scope`) where the token does not allow the call. */
export async function checkScope(refusal: Refusal, { actor, scheme }: Authenticated, scope: AdminScope): Promise<void> {
  if (covers(actor.scopes, scope)) return;
  refusal.ctx.set('WWW-Authenticate', `${scheme} error="insufficient_scope", scope="${scope}"`);
  await refuse(refusal, actor.id, new Fault('insufficient_scope', 403, `the scope ${scope} is needed`), scope);
}

/** Throws `Fault` 401 where a person's sign-in is too old for a change (RFC 9470 section 3). */
export async function checkFresh(refusal: Refusal, { actor, scheme, authTime }: Authenticated): Promise<void> {
  const { services, ctx } = refusal;
  if (authTime === undefined || services.epochSeconds() - authTime <= services.freshSeconds) return;
  const maxAgeSeconds = services.freshSeconds;
  ctx.set('WWW-Authenticate', stepUpChallenge({ acrValues: [acrTwoFactors], maxAgeSeconds, scheme }));
  await refuse(refusal, actor.id, weakProof('a fresh sign-in with two factors is needed for a change'));
}

/** Records a refusal and throws it; strangers who are refused too often are told to wait, and fill no record. */
export async function refuse(
  { services, ctx, context, path }: Refusal,
  actor: string,
  fault: Fault,
  scope?: AdminScope,
): Promise<never> {
  const limits = [{ subject: `admin-refused:${context.address}`, burst: 600, refillSeconds: 1 }];
  const wait = await services.attempts.charge(limits);
  if (wait > 0) throw new Fault('too_many_requests', 429, 'too many refused calls', { retryAfterSeconds: wait });
  await services.record({
    type: 'access.refused',
    actor,
    target: '',
    result: 'failure',
    details: { method: ctx.method, path, code: fault.code, ...(scope === undefined ? {} : { scopes: scope }) },
    context,
  });
  throw fault;
}

function weakProof(message: string): Fault {
  return new Fault('insufficient_user_authentication', 401, message);
}
