import { hashToken } from '../crypto/random.ts';
import type { CookieJar } from '../http/cookies.ts';
import type { Csrf } from '../http/csrf.ts';
import type { Views } from '../http/views.ts';
import { createPendingSignIns } from '../interaction/pending-sign-in.ts';
import type { InteractionServices } from '../interaction/step.ts';
import type { Services } from './services.ts';

export interface InteractionParts {
  readonly services: Services;
  readonly views: Views;
  readonly csrf: Csrf;
  readonly cookies: CookieJar;
  readonly requestContext: InteractionServices['requestContext'];
  readonly provider: InteractionServices['provider'];
}

const ninetyDays = 90 * 86_400;

/** What the steps of a sign-in are given. */
export function createInteractionServices(parts: InteractionParts): InteractionServices {
  const { services, views, csrf, cookies, requestContext, provider } = parts;
  const { inTransaction, settings, clock } = services;
  return {
    provider,
    views,
    csrf,
    requestContext,
    pendings: createPendingSignIns(services.records),
    epochSeconds: () => clock.epochSeconds(),
    checkPassword: services.checkPassword,
    openChallenge: services.openChallenge,
    verifyOneTimeCode: services.verifyOneTimeCode,
    redeemRecoveryCode: services.redeemRecoveryCode,
    enrolment: services.enrolment,
    status: services.status,
    setPassword: services.setPassword,
    isSecondFactorRequired: () => settings.secondFactorRequired === 'required',
    findUser: (id) => inTransaction(({ users }) => users.find(id)),
    browserToken: (ctx) => cookies.get(ctx, cookies.browser),
    isKnownBrowser: async (token, userId) =>
      token !== undefined &&
      (await inTransaction(({ knownBrowsers }) => knownBrowsers.isKnown(hashToken(token), userId))),
    async completeSignIn(ctx, { userId, clientId, acr, amr, stepUp }) {
      const context = requestContext(ctx);
      const before = cookies.get(ctx, cookies.browser);
      const known =
        before !== undefined &&
        (await inTransaction(({ knownBrowsers }) => knownBrowsers.isKnown(hashToken(before), userId)));
      const token = known ? before : await services.rememberBrowser(userId, context.userAgent);
      cookies.set(ctx, cookies.browser, token, ninetyDays);
      await inTransaction(({ audit }) =>
        audit.record({
          type: 'sign-in.completed',
          actor: userId,
          target: userId,
          result: 'success',
          details: { client: clientId, acr, amr: amr.join(' '), stepUp },
          context,
        }),
      );
    },
    async endSession(uid, userId, context) {
      await inTransaction(async ({ sessions, audit }) => {
        if (!(await sessions.end(uid, 'replaced'))) return;
        await audit.record({
          type: 'session.ended',
          actor: userId,
          target: userId,
          result: 'success',
          reason: 'replaced',
          context,
        });
      });
    },
    async saveConsent(userId, clientId, scopes, context) {
      await inTransaction(async ({ tokens, audit }) => {
        const before = await tokens.readConsent(userId, clientId);
        await tokens.saveConsent(userId, clientId, [...new Set([...before, ...scopes])]);
        await audit.record({
          type: 'consent.granted',
          actor: userId,
          target: `client:${clientId}`,
          result: 'success',
          details: { scopes: scopes.join(' ') },
          context,
        });
      });
    },
  };
}
