import type { Context } from 'koa';
import type Provider from 'oidc-provider';
import { provedTwoFactors, acrTwoFactors } from '../domain/authentication.ts';
import { newToken } from '../crypto/random.ts';
import { createHash } from 'node:crypto';
import type { User } from '../domain/user.ts';
import { Fault } from '../errors.ts';
import type { CookieJar } from '../http/cookies.ts';

/** The built-in client under which people sign in to their own account page. */
export const accountClientId = 'twofold-account';

export interface AccountSession {
  readonly uid: string;
  readonly user: User;
  /** Epoch seconds at which the password was proven. */
  readonly signedInAt: number;
}

export interface AccountSessionDependencies {
  readonly provider: () => Provider;
  readonly cookies: CookieJar;
  readonly findUser: (id: string) => Promise<User | undefined>;
  readonly issuer: string;
  readonly epochSeconds: () => number;
  /** Which of our own surfaces it is for; the account page unless said otherwise. */
  readonly surface?: 'account' | 'admin';
  /** How old a sign-in may be for a change that carries no code of its own. */
  readonly freshSeconds?: number;
}

/** The built-in client under which operators sign in to the console. */
export const consoleClientId = 'twofold-console';
/** How old a sign-in may be for a change that carries no code of its own. */
export const freshProofSeconds = 300;

/**
 * Reads the engine's session for the account page: two factors proven in it, the person there and enabled. Anybody else
 * is sent through an ordinary sign-in; no token ever reaches the browser.
 */
export function createAccountSessions(dependencies: AccountSessionDependencies) {
  const { provider, cookies, findUser, issuer, epochSeconds, surface = 'account' } = dependencies;
  const { freshSeconds = freshProofSeconds } = dependencies;
  const stateCookie = `twofold-${surface}-sign-in`;
  const clientId = surface === 'account' ? accountClientId : consoleClientId;
  const prefix = new URL(issuer).pathname.replace(/\/$/, '');

  async function read(ctx: Context): Promise<AccountSession | undefined> {
    const session = await provider().Session.get(ctx);
    const { accountId, acr, amr, uid, loginTs } = session;
    if (accountId === undefined || !provedTwoFactors(acr, amr)) return undefined;
    const user = await findUser(accountId);
    if (user === undefined || user.disabledAt !== null) return undefined;
    return { uid, user, signedInAt: loginTs ?? 0 };
  }

  return {
    read,

    isFresh: ({ signedInAt }: AccountSession): boolean => epochSeconds() - signedInAt <= freshSeconds,

    /** Sends the browser through a sign-in and back to `returnTo`; `again` asks both factors anew. */
    startSignIn(ctx: Context, returnTo: string, again: boolean): void {
      const state = newToken(18);
      // Nobody redeems the code of this sign-in: what counts is the session, and the verifier is thrown away.
      const challenge = createHash('sha256').update(newToken()).digest('base64url');
      const query = new URLSearchParams({
        client_id: clientId,
        redirect_uri: `${issuer}/${surface}/callback`,
        response_type: 'code',
        scope: 'openid',
        acr_values: acrTwoFactors,
        state,
        code_challenge: challenge,
        code_challenge_method: 'S256',
        ...(again ? { prompt: 'login' } : {}),
      });
      cookies.set(ctx, stateCookie, `${state} ${returnTo}`, 3600);
      ctx.status = 303;
      ctx.set('Location', `${prefix}/auth?${query.toString()}`);
      ctx.body = '';
    },

    /** The end of that sign-in: back to where the person wanted to go. */
    finishSignIn(ctx: Context): void {
      const [state, returnTo] = (cookies.get(ctx, stateCookie) ?? '').split(' ');
      cookies.clear(ctx, stateCookie);
      if (state === undefined || state === '' || ctx.query['state'] !== state) {
        throw new Fault('sign_in_gone', 400, 'this sign-in was begun in another browser');
      }
      // Refused or given up: nothing to show, and no loop either.
      if (ctx.query['error'] !== undefined) throw new Fault('sign_in_gone', 400, 'the sign-in was not finished');
      const own = returnTo?.split('/')[1] === surface && /^(?:\/[\w-]+)+$/.test(returnTo);
      const path = own ? returnTo : `/${surface}`;
      ctx.status = 303;
      ctx.set('Location', `${prefix}${path}`);
      ctx.body = '';
    },
  };
}

export type AccountSessions = ReturnType<typeof createAccountSessions>;
