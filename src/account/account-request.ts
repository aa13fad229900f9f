import type { Context } from 'koa';
import type { RequestContext } from '../domain/audit-event.ts';
import type { BackchannelRequest } from '../provider/backchannel-request-store.ts';
import type { User } from '../domain/user.ts';
import type { Lane } from '../domain/throttle.ts';
import type { AccountFrame, AccountNoticeCode } from '../http/account-pages.ts';
import { accountNoticeCodes } from '../http/account-pages.ts';
import type { Csrf } from '../http/csrf.ts';
import { readFields, type Fields } from '../http/forms.ts';
import type { FormError } from '../http/page-parts.ts';
import { setReader } from '../http/reader.ts';
import type { Views } from '../http/views.ts';
import type { PasswordVerdict } from '../domain/password-policy.ts';
import type { ApiCall, TokenCheck } from '../provider/check-access-token.ts';
import type { ListedSession } from '../provider/stores.ts';
import type { createChangeSecondFactor } from '../second-factor/change-second-factor.ts';
import type { createEnrolAuthenticator } from '../second-factor/enrol-authenticator.ts';
import type { createSecondFactorStatus } from '../second-factor/status.ts';
import type { TrustedBrowser } from '../second-factor/trusted-browser-store.ts';
import type { createTrustedBrowsers } from '../second-factor/trusted-browsers.ts';
import type { createChangeProfile } from '../users/change-profile.ts';
import type { createCheckPassword } from '../users/check-password.ts';
import type { createMailedLinks } from '../users/mailed-links.ts';
import type { createSetPassword } from '../users/set-password.ts';
import type { AccountSession, AccountSessions } from './account-session.ts';
import type { Activity, ActivityPage } from './activity.ts';
import type { ApplicationListed } from './export-data.ts';
import type { createProveCode } from './prove-code.ts';

/** What the account page is given. */
export interface AccountServices {
  readonly sessions: AccountSessions;
  readonly views: Views;
  readonly csrf: Csrf;
  readonly prefix: string;
  readonly now: () => Date;
  readonly epochSeconds: () => number;
  readonly isSecondFactorRequired: (userId: string) => Promise<boolean>;
  readonly findUser: (id: string) => Promise<User | undefined>;
  /** Checks an access token for the account API. */
  readonly checkToken: (call: ApiCall) => Promise<TokenCheck>;
  readonly recordRefusal: (userId: string, refusal: ApiRefusal) => Promise<void>;
  readonly requestContext: (ctx: Context) => RequestContext;
  readonly browserToken: (ctx: Context) => string | undefined;
  /** Makes this browser known anew, after all were forgotten by an act of the person in it. */
  readonly rememberBrowser: (ctx: Context, userId: string) => Promise<void>;
  readonly laneOf: (token: string | undefined, userId: string) => Promise<Lane>;
  readonly status: ReturnType<typeof createSecondFactorStatus>;
  readonly enrolment: ReturnType<typeof createEnrolAuthenticator>;
  readonly change: ReturnType<typeof createChangeSecondFactor>;
  readonly proveCode: ReturnType<typeof createProveCode>;
  /** Whether the person has a second factor, or must. */
  readonly hasSecondFactor: (userId: string) => Promise<boolean>;
  /** Takes one of the enrolments a person may begin; answers 0, or the seconds until the next. */
  readonly chargeEnrolment: (userId: string) => Promise<number>;
  readonly checkPassword: ReturnType<typeof createCheckPassword>;
  readonly judgePassword: (userId: string, password: string, names: readonly string[]) => Promise<PasswordVerdict>;
  readonly setPassword: ReturnType<typeof createSetPassword>;
  readonly listSessions: (userId: string) => Promise<ListedSession[]>;
  readonly endSession: (userId: string, uid: string, context: RequestContext) => Promise<boolean>;
  readonly endOtherSessions: (userId: string, exceptUid: string, context: RequestContext) => Promise<void>;
  readonly listApplications: (userId: string) => Promise<ApplicationListed[]>;
  readonly revokeConsent: (userId: string, clientId: string, context: RequestContext) => Promise<boolean>;
  readonly clientName: (clientId: string) => Promise<string>;
  readonly listActivity: (
    userId: string,
    page: { readonly limit: number; readonly cursor?: string | undefined },
  ) => Promise<ActivityPage>;
  readonly listWarnings: (userId: string) => Promise<readonly Activity[]>;
  readonly findActivity: (userId: string, id: string) => Promise<Activity | undefined>;
  /** Whether this is a client of the service itself, such as this page. */
  readonly isOwnClient: (clientId: string) => boolean;
  /** "This was not me": ends sessions, undoes what was changed lately, mails the way back. */
  readonly lockDown: (userId: string, context: RequestContext) => Promise<void>;
  readonly trustedBrowsers: Pick<ReturnType<typeof createTrustedBrowsers>, 'list' | 'revoke' | 'revokeAll'>;
  /** Which of them this browser is. */
  readonly trustedBrowserOf: (ctx: Context, userId: string) => Promise<string | undefined>;
  readonly changeProfile: ReturnType<typeof createChangeProfile>;
  readonly isEmailAddress: (text: string) => boolean;
  readonly sendAddressLink: ReturnType<typeof createMailedLinks>['sendAddressLink'];
  /** The new address that waits for its link to be used. */
  readonly waitingAddress: (userId: string) => Promise<string | undefined>;
  readonly listBackchannelRequests: (userId: string) => Promise<readonly BackchannelRequest[]>;
  /** Approves by a session and a code, or refuses; answers whether it still waited. */
  readonly answerBackchannel: (
    userId: string,
    id: string,
    proof: { readonly signedInAt: number; readonly by: 'one-time-code' | 'recovery-code' } | undefined,
    context: RequestContext,
  ) => Promise<boolean>;
  readonly deletionAllowed: boolean;
  /** Whether the operators' console is there to be linked to. */
  readonly hasConsole: boolean;
  readonly deleteUser: (userId: string, actor: string, context: RequestContext) => Promise<void>;
  readonly forgetBrowserCookie: (ctx: Context) => void;
  readonly exportData: (user: User, context: RequestContext) => Promise<Record<string, unknown>>;
}

/** A call of the API that was refused for too weak a proof. */
export interface ApiRefusal {
  readonly method: string;
  readonly path: string;
  readonly code: string;
  readonly client: string;
  readonly context: RequestContext;
}

/** One request of a signed-in person to their account page. */
export interface AccountRequest {
  readonly ctx: Context;
  readonly services: AccountServices;
  readonly session: AccountSession;
  readonly user: User;
  readonly fields: Fields;
  readonly trustedBrowsers: readonly TrustedBrowser[];
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
  const trustedBrowsers = await services.trustedBrowsers.list(user.id);
  return { ctx, services, session, user, fields, trustedBrowsers, context: services.requestContext(ctx) };
}

/** What every account page is given. */
export function frameOf(
  { ctx, services, session, user, trustedBrowsers }: AccountRequest,
  error?: FormError,
): AccountFrame {
  const asked = ctx.query['notice'];
  const notice = accountNoticeCodes.find((code) => code === asked);
  const name = typeof user.claims['name'] === 'string' ? user.claims['name'] : user.username;
  return {
    csrf: services.csrf.token(`account:${session.uid}`),
    person: { name, username: user.username, email: user.email },
    isOperator: services.hasConsole && user.roles.length > 0,
    trustedBrowsersAllowed: trustedBrowsers.length > 0,
    deletionAllowed: services.deletionAllowed,
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
