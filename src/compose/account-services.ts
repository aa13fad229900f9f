import { createBackchannelAnswers } from './backchannel.ts';
import { isMetadataDocument } from '../provider/metadata-documents.ts';
import type { AccountServices } from '../account/account-request.ts';
import { createAccountSessions } from '../account/account-session.ts';
import { createReadActivity } from '../account/activity.ts';
import { createExportData } from '../account/export-data.ts';
import { createProveCode } from '../account/prove-code.ts';
import { hashToken } from '../crypto/random.ts';
import type { AcrNames } from '../domain/authentication.ts';
import { isEmailAddress } from '../domain/login-name.ts';
import { judgePassword } from '../domain/password-policy.ts';
import { createCheckAccessToken } from '../provider/check-access-token.ts';
import { clientName } from '../provider/client-name.ts';
import { accountAudience, readConsentName } from '../provider/resource-servers.ts';
import type { InteractionParts } from './interaction-services.ts';
import { trustCookie } from './trusted-browser-cookie.ts';

const knownBrowserSeconds = 90 * 86_400;

export interface AccountParts extends InteractionParts {
  /** Path of the issuer. */
  readonly prefix: string;
  readonly acr: AcrNames;
}

const isOwnClient = (clientId: string): boolean => clientId.startsWith('twofold-');

/** What the account page and the account API are given. */
export function createAccountServices(parts: AccountParts): AccountServices {
  const { services, views, csrf, cookies, requestContext, provider, prefix, acr } = parts;
  const { inTransaction, settings, clock } = services;
  const ended = { actor: '', type: 'session.ended' as const, result: 'success' as const };
  const checkToken = createCheckAccessToken({ provider, acrNames: acr, issuer: settings.issuer, clock });
  const activity = createReadActivity(
    () => services.auditReader,
    () => clock.now(),
  );
  const listSessions: AccountServices['listSessions'] = (userId) =>
    services.reading(({ sessions }) => sessions.list(userId));
  const listApplications: AccountServices['listApplications'] = async (userId) => {
    const listed = await inTransaction(({ tokens }) => tokens.listApplications(userId));
    const shown = await Promise.all(
      listed.map(async ({ clientId, scopes, allowedAt, lastUsedAt }) => {
        // A document is read for a sign-in, not for a list.
        const isDocument = isMetadataDocument(clientId);
        const client = isDocument ? undefined : await provider().Client.find(clientId);
        const [redirectUri = isDocument ? clientId : ''] = client?.redirectUris ?? [];
        return {
          id: clientId,
          name: client?.clientName ?? (isDocument ? new URL(clientId).host : clientId),
          host: URL.canParse(redirectUri) ? new URL(redirectUri).host || undefined : undefined,
          scopes: [...new Set(scopes.map((name) => readConsentName(name).scope))],
          allowedAt,
          lastUsedAt,
        };
      }),
    );
    return shown.filter(({ id }) => !isOwnClient(id));
  };
  return {
    checkToken: (call) => checkToken(call, accountAudience(settings.issuer)),
    recordRefusal: (userId, { method, path, code, client, context }) =>
      inTransaction(({ audit }) =>
        audit.record({
          type: 'access.refused',
          actor: userId,
          target: userId,
          result: 'failure',
          details: { method, path, code, client },
          context,
        }),
      ),
    findUser: (id) => services.reading(({ users }) => users.find(id)),
    epochSeconds: () => clock.epochSeconds(),
    proveCode: createProveCode(services),
    chargeEnrolment: (userId) =>
      services.attempts.charge([{ subject: `enrolment:${userId}`, burst: 10, refillSeconds: 60 }]),
    hasSecondFactor: services.hasSecondFactor,
    judgePassword: async (userId, password, names) =>
      judgePassword(password, {
        withSecondFactor: await services.hasSecondFactor(userId),
        isCommon: services.passwords.isCommon,
        contextWords: [...services.passwords.contextWords, ...names],
      }),
    listApplications,
    isOwnClient,
    lockDown: async (userId, context) =>
      services.thisWasNotMe.use(await inTransaction(({ issueNotMeLink }) => issueNotMeLink(userId)), context),
    trustedBrowsers: services.trustedBrowsers,
    trustedBrowserOf: async (ctx, userId) =>
      (await services.trustedBrowsers.find(cookies.get(ctx, trustCookie(userId)), userId))?.id,
    changeProfile: services.changeProfile,
    isEmailAddress,
    sendAddressLink: services.mailedLinks.sendAddressLink,
    waitingAddress: async (userId) =>
      (await inTransaction(({ links }) => links.findOpen(userId, 'email-confirm')))?.details?.['email'],
    deletionAllowed: settings.accountDeletion,
    hasConsole: true,
    deleteUser: services.manageUsers.remove,
    forgetBrowserCookie: (ctx) => cookies.clear(ctx, cookies.browser),
    listActivity: activity.list,
    listWarnings: activity.listWarnings,
    findActivity: activity.find,
    exportData: createExportData({
      inTransaction,
      status: services.status,
      listSessions,
      listApplications,
      listTrustedBrowsers: services.trustedBrowsers.list,
      listActivity: activity.list,
      now: () => clock.now(),
    }),
    views,
    csrf,
    prefix,
    requestContext,
    now: () => clock.now(),
    sessions: createAccountSessions({
      provider,
      cookies,
      findUser: (id) => services.reading(({ users }) => users.find(id)),
      issuer: settings.issuer,
      epochSeconds: () => clock.epochSeconds(),
    }),
    isSecondFactorRequired: services.isSecondFactorRequired,
    browserToken: (ctx) => cookies.get(ctx, cookies.browser),
    async rememberBrowser(ctx, userId) {
      const token = await services.rememberBrowser(userId, requestContext(ctx).userAgent);
      cookies.set(ctx, cookies.browser, token, knownBrowserSeconds);
    },
    laneOf: async (token, userId) =>
      token !== undefined &&
      (await services.reading(({ knownBrowsers }) => knownBrowsers.isKnown(hashToken(token), userId)))
        ? 'known'
        : 'other',
    status: services.status,
    enrolment: services.enrolment,
    change: services.changeSecondFactor,
    checkPassword: services.checkPassword,
    setPassword: services.setPassword,
    listSessions,
    endSession: (userId, uid, context) =>
      inTransaction(async ({ sessions, audit }) => {
        const own = (await sessions.list(userId)).some((session) => session.uid === uid);
        if (!own || !(await sessions.end(uid, 'account'))) return false;
        await audit.record({ ...ended, actor: userId, target: userId, reason: 'account', context });
        return true;
      }),
    endOtherSessions: (userId, exceptUid, context) =>
      inTransaction(async ({ sessions, audit }) => {
        const { count } = await sessions.endAll(userId, 'account', exceptUid);
        await audit.record({ ...ended, actor: userId, target: userId, reason: 'account', details: { count }, context });
      }),
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
    ...createBackchannelAnswers(services, provider),
    clientName: (clientId) => clientName(provider(), clientId),
  };
}
