import Router from '@koa/router';
import type { Context } from 'koa';
import type { AccountServices } from '../account-request.ts';
import { loadApiRequest, type ApiRequest } from './api-request.ts';
import * as lists from './lists.ts';
import * as secondFactor from './second-factor.ts';

type Handler = (request: ApiRequest, id: string) => Promise<void>;

/** The account API: the same acts as the account page, as JSON. Each address and what it does, in one list. */
export function accountApiRoutes(services: AccountServices): Router {
  const router = new Router({ strict: true, sensitive: true, prefix: '/account/api/v1' });
  const handle = (handler: Handler) => async (ctx: Context) => {
    const request = await loadApiRequest(ctx, services);
    await handler(request, (ctx as unknown as { params: { id?: string } }).params.id ?? '');
  };
  router.get('/second-factor', handle(secondFactor.readSecondFactor));
  router.post('/second-factor/totp', handle(secondFactor.startTotp));
  router.delete('/second-factor/totp/pending', handle(secondFactor.dropPendingTotp));
  router.post('/second-factor/totp/:id/confirm', handle(secondFactor.confirmTotp));
  router.patch('/second-factor/totp/:id', handle(secondFactor.renameTotp));
  router.post('/second-factor/totp/:id/remove', handle(secondFactor.removeTotp));
  router.post('/second-factor/recovery-codes', handle(secondFactor.replaceRecoveryCodes));
  router.post('/password', handle(secondFactor.changePassword));
  router.get('/sessions', handle(lists.listSessions));
  router.delete('/sessions', handle(lists.endOtherSessions));
  router.delete('/sessions/:id', handle(lists.endSession));
  router.get('/applications', handle(lists.listApplications));
  router.delete('/applications', handle(lists.revokeApplications));
  router.delete('/applications/:id', handle(lists.revokeApplication));
  router.get('/trusted-browsers', handle(lists.listTrustedBrowsers));
  router.delete('/trusted-browsers', handle(lists.forgetTrustedBrowsers));
  router.delete('/trusted-browsers/:id', handle(lists.forgetTrustedBrowser));
  router.get('/activity', handle(lists.listActivity));
  router.get('/export', handle(lists.exportData));
  return router;
}
