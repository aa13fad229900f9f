import Router from '@koa/router';
import type { Context } from 'koa';
import * as pages from './account-pages.ts';
import * as activity from './activity-pages.ts';
import * as backchannel from './backchannel-pages.ts';
import * as browsers from './browser-pages.ts';
import * as data from './data-pages.ts';
import * as profile from './profile-pages.ts';
import { goTo, loadRequest, type AccountRequest, type AccountServices } from './account-request.ts';
import * as secondFactor from './second-factor-pages.ts';

type Handler = (request: AccountRequest, id: string) => Promise<void>;

/** The hosted account page. Each address and what it does, in one list. */
export function accountRoutes(services: AccountServices): Router {
  const router = new Router({ strict: true, sensitive: true });
  const handle = (handler: Handler) => async (ctx: Context) => {
    const request = await loadRequest(ctx, services);
    if (request !== undefined) await handler(request, (ctx as unknown as { params: { id?: string } }).params.id ?? '');
  };
  const get = (path: string, handler: Handler): void => void router.get(`/account${path}`, handle(handler));
  const post = (path: string, handler: Handler): void => void router.post(`/account${path}`, handle(handler));

  router.get('/account/callback', (ctx) => services.sessions.finishSignIn(ctx));
  get('', (request) => pages.showOverview(request));
  get('/authenticators', (request) => secondFactor.showAuthenticators(request));
  post('/authenticators', secondFactor.startEnrolment);
  get('/authenticators/add', (request) => secondFactor.showAddAuthenticator(request));
  post('/authenticators/add', secondFactor.confirmAuthenticator);
  post('/authenticators/add/cancel', secondFactor.cancelEnrolment);
  post('/authenticators/:id/rename', secondFactor.renameAuthenticator);
  get('/authenticators/:id/remove', (request, id) => secondFactor.showRemoveAuthenticator(request, id));
  post('/authenticators/:id/remove', secondFactor.removeAuthenticator);
  get('/recovery-codes', (request) => secondFactor.showRecoveryCodes(request));
  post('/recovery-codes', secondFactor.replaceRecoveryCodes);
  post('/recovery-codes/saved', async (request) => goTo(request, '/account/recovery-codes', 'recovery-codes-saved'));
  get('/password', (request) => pages.showPassword(request));
  post('/password', pages.changePassword);
  get('/sessions', pages.showSessions);
  post('/sessions/end-others', pages.endOtherSessions);
  post('/sessions/:id/end', pages.endSession);
  get('/applications', pages.showApplications);
  post('/applications/:id/revoke', pages.revokeApplication);
  get('/trusted-browsers', browsers.showTrustedBrowsers);
  post('/trusted-browsers/forget-all', browsers.forgetAllTrustedBrowsers);
  post('/trusted-browsers/:id/forget', browsers.forgetTrustedBrowser);
  get('/activity', activity.showActivity);
  get('/activity/:id/not-me', activity.showNotMe);
  post('/activity/:id/not-me', activity.lockDown);
  get('/sign-in-requests', (request) => backchannel.showBackchannelRequest(request));
  post('/sign-in-requests/:id', backchannel.answerBackchannelRequest);
  get('/profile', (request) => profile.showProfile(request));
  post('/profile', profile.saveProfile);
  post('/profile/email', profile.changeAddress);
  get('/export', async (request) => data.showExport(request));
  post('/export', data.downloadExport);
  get('/delete', (request) => data.showDelete(request));
  post('/delete', data.deleteAccount);
  post('/sign-out', pages.signOut);
  return router;
}
