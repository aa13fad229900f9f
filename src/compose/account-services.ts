import type { AccountServices } from '../account/account-request.ts';
import { createAccountSessions } from '../account/account-session.ts';
import { hashToken } from '../crypto/random.ts';
import type { InteractionParts } from './interaction-services.ts';

/** What the account page is given. */
export function createAccountServices(parts: InteractionParts & { readonly prefix: string }): AccountServices {
  const { services, views, csrf, cookies, requestContext, provider, prefix } = parts;
  const { inTransaction, settings, clock } = services;
  const ended = { actor: '', type: 'session.ended' as const, result: 'success' as const };
  return {
    views,
    csrf,
    prefix,
    requestContext,
    now: () => clock.now(),
    records: services.records,
    sessions: createAccountSessions({
      provider,
      cookies,
      findUser: (id) => inTransaction(({ users }) => users.find(id)),
      issuer: settings.issuer,
      epochSeconds: () => clock.epochSeconds(),
    }),
    isSecondFactorRequired: () => settings.secondFactorRequired === 'required',
    browserToken: (ctx) => cookies.get(ctx, cookies.browser),
    laneOf: async (token, userId) =>
      token !== undefined &&
      (await inTransaction(({ knownBrowsers }) => knownBrowsers.isKnown(hashToken(token), userId)))
        ? 'known'
        : 'other',
    status: services.status,
    enrolment: services.enrolment,
    change: services.changeSecondFactor,
    openChallenge: services.openChallenge,
    verifyOneTimeCode: services.verifyOneTimeCode,
    redeemRecoveryCode: services.redeemRecoveryCode,
    checkPassword: services.checkPassword,
    setPassword: services.setPassword,
    listSessions: (userId) => inTransaction(({ sessions }) => sessions.list(userId)),
    endSession: (userId, uid, context) =>
      inTransaction(async ({ sessions, audit }) => {
        const own = (await sessions.list(userId)).some((session) => session.uid === uid);
        if (!own || !(await sessions.end(uid, 'account'))) return false;
        await audit.record({ ...ended, actor: userId, target: userId, reason: 'account', context });
        return true;
      }),
    endOtherSessions: (userId, exceptUid, context) =>
      inTransaction(async ({ sessions, audit }) => {
        const count = await sessions.endAll(userId, 'account', exceptUid);
        await audit.record({ ...ended, actor: userId, target: userId, reason: 'account', details: { count }, context });
      }),
    listConsents: (userId) => inTransaction(({ tokens }) => tokens.listConsents(userId)),
    revokeConsent: (userId, clientId, context) =>
      inTransaction(async ({ tokens, audit }) => {
        if (!(await tokens.removeConsent(userId, clientId))) return false;
        await audit.record({
          type: 'consent.revoked',
          actor: userId,
          target: `client:${clientId}`,
          result: 'success',
          context,
        });
        return true;
      }),
    clientName: async (clientId) => (await provider().Client.find(clientId))?.clientName ?? clientId,
  };
}
