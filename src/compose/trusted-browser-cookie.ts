import type { IncomingMessage, ServerResponse } from 'node:http';
import { hashToken } from '../crypto/random.ts';
import type { CookieJar } from '../http/cookies.ts';
import type { StandingFacts } from '../policies/sign-in-facts.ts';
import type { Standing } from '../policies/stores.ts';
import type { Services } from './services.ts';

/** One for each person who trusts this browser, so that people who share it do not undo one another's trust. */
export function trustCookie(userId: string): string {
  return `twofold-trusted-${hashToken(userId)
    .replaceAll(/[^A-Za-z0-9]/g, '')
    .slice(0, 12)}`;
}

/** Reads the standing facts for the browser of a request: whether it is trusted, its cookie proves. */
export function createReadFacts({ trustedBrowsers, readSignInFacts }: Services, cookies: CookieJar) {
  return async (
    ctx: { readonly req: IncomingMessage; readonly res: ServerResponse },
    userId: string,
    clientId: string,
    standing?: Standing,
  ): Promise<StandingFacts> => {
    const trusted = await trustedBrowsers.find(cookies.get(ctx, trustCookie(userId)), userId);
    const browserTrustedAt = trusted === undefined ? undefined : Math.floor(trusted.trustedAt.getTime() / 1000);
    return readSignInFacts({ userId, clientId, browserTrustedAt, standing });
  };
}
