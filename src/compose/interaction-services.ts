import { hashToken } from '../crypto/random.ts';
import { isClosed, isOtherLaneClosed } from '../domain/throttle.ts';
import type { CookieJar } from '../http/cookies.ts';
import type { Csrf } from '../http/csrf.ts';
import type { Views } from '../http/views.ts';
import { createCompletion } from './complete-sign-in.ts';
import { createReadFacts, trustCookie } from './trusted-browser-cookie.ts';
import { createPendingSignIns } from '../interaction/pending-sign-in.ts';
import type { InteractionServices } from '../interaction/step.ts';
import type { Standing } from '../policies/stores.ts';
import type { Services } from './services.ts';

export interface InteractionParts {
  readonly services: Services;
  readonly views: Views;
  readonly csrf: Csrf;
  readonly cookies: CookieJar;
  readonly requestContext: InteractionServices['requestContext'];
  readonly provider: InteractionServices['provider'];
}

const enrolmentMailKind = 'first-enrolment-mail';

/** What the steps of a sign-in are given. */
export function createInteractionServices(parts: InteractionParts): InteractionServices {
  const { services, views, csrf, cookies, requestContext, provider } = parts;
  const { inTransaction, reading, settings, clock } = services;
  return {
    provider,
    views,
    csrf,
    requestContext,
    pendings: createPendingSignIns(services.records),
    epochSeconds: () => clock.epochSeconds(),
    async checkPassword(attempt, clientId) {
      let standing: Standing | undefined;
      const outcome = await services.checkPassword({
        ...attempt,
        async beside(stores) {
          standing = await stores.standing.readByLogin(attempt.login, clientId);
        },
      });
      return { outcome, standing };
    },
    openChallenge: services.openChallenge,
    record: (event) => inTransaction(({ audit }) => audit.record(event)),
    ...createCompletion(services, cookies, requestContext),
    redeemRecoveryCode: services.redeemRecoveryCode,
    enrolment: services.enrolment,
    replaceRecoveryCodes: services.changeSecondFactor.replaceRecoveryCodes,
    status: services.status,
    setPassword: services.setPassword,
    firstEnrolment: services.firstEnrolment,
    selfRegistration: settings.selfRegistration,
    detailTitles: new Map(settings.authorizationDetailsTypes.map(({ type, title }) => [type, title])),
    isSecondFactorClosed: async (userId) =>
      isClosed(await reading(({ guards }) => guards.readGuard(userId)), services.secondFactor.limits),
    isOtherLaneClosed: async (userId) =>
      isOtherLaneClosed(await reading(({ guards }) => guards.readGuard(userId)), services.secondFactor.limits),
    async mailEnrolmentLink(userId, uid, context) {
      // Once a sign-in: drawing the page again sends nothing.
      if ((await services.records.read(enrolmentMailKind, uid)) === userId) return true;
      const sent = await services.mailedLinks.sendBrowserLink('first-enrolment', userId, uid, context);
      if (sent) await services.records.put(enrolmentMailKind, uid, userId, 600);
      return sent;
    },
    mailKnownBrowserLink: async (userId, uid, context) => {
      await services.mailedLinks.sendBrowserLink('known-browser', userId, uid, context);
    },
    acrNames: services.acrNames,
    readSignInFacts: createReadFacts(services, cookies),
    beginGrace: services.beginGrace,
    async trustBrowser(ctx, userId, clientId, days) {
      const name = trustCookie(userId);
      const { token, lifetimeSeconds } = await services.trustedBrowsers.trust({
        userId,
        clientId,
        days,
        replaces: cookies.get(ctx, name),
        context: requestContext(ctx),
      });
      cookies.set(ctx, name, token, lifetimeSeconds);
    },
    findUser: (id) => reading(({ users }) => users.find(id)),
    browserToken: (ctx) => cookies.get(ctx, cookies.browser),
    isKnownBrowser: async (token, userId, beyondPassword = false) =>
      token !== undefined &&
      (await reading(({ knownBrowsers }) => knownBrowsers.isKnown(hashToken(token), userId, beyondPassword))),
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
    async recordRefusal(type, userId, clientId, code, context) {
      const event = { type, actor: userId ?? 'anonymous', result: 'failure', context } as const;
      // A refused consent concerns the relying party, a sign-in without success the person.
      const target = type === 'consent.refused' || userId === undefined ? `client:${clientId}` : userId;
      const details = { client: clientId, ...(type === 'consent.refused' ? {} : { code }) };
      await inTransaction(({ audit }) => audit.record({ ...event, target, details }));
    },
    async saveConsent({ userId, sessionUid, clientId, scopes }, context) {
      await inTransaction(async ({ tokens, audit, holdProof }) => {
        await holdProof(userId, { sessionUid });
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
