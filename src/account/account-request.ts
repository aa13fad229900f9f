import type { Context } from 'koa';
import type { RequestContext } from '../domain/audit-event.ts';
import type { User } from '../domain/user.ts';
import { isRecoveryCodeLike } from '../domain/recovery-code.ts';
import type { Lane } from '../domain/throttle.ts';
import type { AccountFrame, AccountNoticeCode } from '../http/account-pages.ts';
import { accountNoticeCodes } from '../http/account-pages.ts';
import type { Csrf } from '../http/csrf.ts';
import { readFields, type Fields } from '../http/forms.ts';
import type { FormError } from '../http/page-parts.ts';
import { setReader } from '../http/reader.ts';
import type { Views } from '../http/views.ts';
import type { ListedConsent, ListedSession } from '../provider/stores.ts';
import type { createChangeSecondFactor } from '../second-factor/change-second-factor.ts';
import type { createEnrolAuthenticator } from '../second-factor/enrol-authenticator.ts';
import type { createOpenChallenge } from '../second-factor/open-challenge.ts';
import type { createRedeemRecoveryCode } from '../second-factor/redeem-recovery-code.ts';
import type { createSecondFactorStatus } from '../second-factor/status.ts';
import type { createVerifyOneTimeCode } from '../second-factor/verify-one-time-code.ts';
import type { ShortLivedRecords } from '../short-lived-records.ts';
import type { createCheckPassword } from '../users/check-password.ts';
import type { createSetPassword } from '../users/set-password.ts';
import type { AccountSession, AccountSessions } from './account-session.ts';

/** What the account page is given. */
export interface AccountServices {
  readonly sessions: AccountSessions;
  readonly views: Views;
  readonly csrf: Csrf;
  readonly prefix: string;
  readonly now: () => Date;
  readonly records: ShortLivedRecords;
  readonly isSecondFactorRequired: () => boolean;
  readonly requestContext: (ctx: Context) => RequestContext;
  readonly browserToken: (ctx: Context) => string | undefined;
  readonly laneOf: (token: string | undefined, userId: string) => Promise<Lane>;
  readonly status: ReturnType<typeof createSecondFactorStatus>;
  readonly enrolment: ReturnType<typeof createEnrolAuthenticator>;
  readonly change: ReturnType<typeof createChangeSecondFactor>;
  readonly openChallenge: ReturnType<typeof createOpenChallenge>;
  readonly verifyOneTimeCode: ReturnType<typeof createVerifyOneTimeCode>;
  readonly redeemRecoveryCode: ReturnType<typeof createRedeemRecoveryCode>;
  readonly checkPassword: ReturnType<typeof createCheckPassword>;
  readonly setPassword: ReturnType<typeof createSetPassword>;
  readonly listSessions: (userId: string) => Promise<ListedSession[]>;
  readonly endSession: (userId: string, uid: string, context: RequestContext) => Promise<boolean>;
  readonly endOtherSessions: (userId: string, exceptUid: string, context: RequestContext) => Promise<void>;
  readonly listConsents: (userId: string) => Promise<ListedConsent[]>;
  readonly revokeConsent: (userId: string, clientId: string, context: RequestContext) => Promise<boolean>;
  readonly clientName: (clientId: string) => Promise<string>;
}

/** One request of a signed-in person to their account page. */
export interface AccountRequest {
  readonly ctx: Context;
  readonly services: AccountServices;
  readonly session: AccountSession;
  readonly user: User;
  readonly fields: Fields;
  readonly context: RequestContext;
}

/** Reads session and form; answers undefined (and sends to the sign-in) where nobody is signed in with two factors. */
export async function loadRequest(ctx: Context, services: AccountServices): Promise<AccountRequest | undefined> {
  const session = await services.sessions.read(ctx);
  if (session === undefined) {
    services.sessions.startSignIn(ctx, ctx.method === 'GET' ? ctx.path : '/account', false);
    return undefined;
  }
  const { user } = session;
  setReader(ctx, { personLocale: user.locale, timeZone: user.zoneinfo });
  const fields: Fields = ctx.method === 'POST' ? await readFields(ctx) : new Map();
  if (ctx.method === 'POST') services.csrf.check(ctx, fields, `account:${session.uid}`);
  return { ctx, services, session, user, fields, context: services.requestContext(ctx) };
}

/** What every account page is given. */
export function frameOf({ ctx, services, session, user }: AccountRequest, error?: FormError): AccountFrame {
  const asked = ctx.query['notice'];
  const notice = accountNoticeCodes.find((code) => code === asked);
  const name = typeof user.claims['name'] === 'string' ? user.claims['name'] : user.username;
  return {
    csrf: services.csrf.token(`account:${session.uid}`),
    person: { name, username: user.username, email: user.email },
    isOperator: false,
    trustedBrowsersAllowed: false,
    deletionAllowed: false,
    notice,
    error,
  };
}

/** Back to a page of the account after an act; a 303, so that reloading repeats nothing. */
export function goTo({ ctx, services }: AccountRequest, path: string, notice?: AccountNoticeCode): void {
  ctx.status = 303;
  ctx.set('Location', `${services.prefix}${path}${notice === undefined ? '' : `?notice=${notice}`}`);
  ctx.body = '';
}

/**
 * Whether a form without a code of its own may act: two factors proven within the last five minutes. Otherwise the
 * person signs in again, with both, and comes back to `returnTo`.
 */
export function hasFreshProof({ ctx, services, session }: AccountRequest, returnTo: string): boolean {
  if (services.sessions.isFresh(session)) return true;
  services.sessions.startSignIn(ctx, returnTo, true);
  return false;
}

const challengeKind = 'account-challenge';

/**
 * Takes the code of a form as the fresh proof of that one act. It shares challenge, lanes and totals with every other
 * door: after five wrong ones the person signs in again. Answers undefined where the act may go on.
 */
export async function takeCode(request: AccountRequest): Promise<FormError | 'signing-in' | undefined> {
  const { ctx, services, session, user, fields, context } = request;
  const boundTo = session.uid;
  const lane = await services.laneOf(services.browserToken(ctx), user.id);
  let challengeId = await services.records.read(challengeKind, boundTo);
  if (challengeId === undefined) {
    challengeId = await services.openChallenge({ userId: user.id, lane, purpose: 'account', boundTo });
    await services.records.put(challengeKind, boundTo, challengeId, 600);
  }
  const code = fields.get('code') ?? '';
  const attempt = { userId: user.id, challengeId, boundTo, code, context };
  const outcome = isRecoveryCodeLike(code)
    ? await services.redeemRecoveryCode(attempt)
    : await services.verifyOneTimeCode(attempt);
  switch (outcome.kind) {
    case 'accepted':
      await services.records.remove(challengeKind, boundTo);
      return undefined;
    case 'challenge-spent':
      await services.records.remove(challengeKind, boundTo);
      services.sessions.startSignIn(ctx, '/account', true);
      return 'signing-in';
    case 'wait':
      ctx.set('Retry-After', String(outcome.retryAfterSeconds));
      return { code: 'wait', field: 'code', values: { seconds: outcome.retryAfterSeconds } };
    case 'clock-off': {
      const minutes = Math.max(1, Math.round(Math.abs(outcome.offsetSeconds) / 60));
      const late = outcome.offsetSeconds > 0 ? 'clock-ahead' : 'clock-behind';
      return { code: late, field: 'code', values: { minutes } };
    }
    case 'wrong':
    case 'closed':
    case 'secret-unreadable':
      return { code: 'wrong-proof', field: 'code' };
  }
}
