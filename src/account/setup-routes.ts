import Router from '@koa/router';
import type { Context } from 'koa';
import type { RequestContext } from '../domain/audit-event.ts';
import { shortestWithSecondFactor } from '../domain/password-policy.ts';
import type { Csrf } from '../http/csrf.ts';
import { readFields } from '../http/forms.ts';
import type { FormError } from '../http/page-parts.ts';
import type { Views } from '../http/views.ts';
import type { createSetupByLink, OpenedSetup } from './setup-by-link.ts';

export interface SetupRouteServices {
  readonly views: Views;
  readonly csrf: Csrf;
  readonly setup: ReturnType<typeof createSetupByLink>;
  readonly requestContext: (ctx: Context) => RequestContext;
  readonly now: () => Date;
  /** Path prefix of the issuer. */
  readonly prefix: string;
}

/** Pages of the links that set up an account. Looking at one uses nothing up; a mail scanner's visit does no harm. */
export function setupRoutes(services: SetupRouteServices): Router {
  const router = new Router({ strict: true, sensitive: true });

  router.get('/set-up/:token', async (ctx) => {
    const { token } = ctx.params as { token: string };
    show(ctx, token, await services.setup.open(token));
  });

  router.post('/set-up/:token', async (ctx) => {
    const { token } = ctx.params as { token: string };
    const fields = await readFields(ctx);
    services.csrf.check(ctx, fields, `set-up:${token}`);
    const request = {
      username: fields.get('username') ?? '',
      email: fields.get('email') ?? '',
      password: fields.get('password') ?? '',
      code: fields.get('code') ?? '',
    };
    const outcome = await services.setup.complete(token, request, services.requestContext(ctx));
    if (outcome.kind === 'refused') return show(ctx, token, await services.setup.open(token), outcome.error, request);
    services.views.page(ctx, 'recovery-codes', {
      action: `${services.prefix}/set-up/${token}/saved`,
      csrf: services.csrf.token('set-up:done'),
      accountName: outcome.accountName,
      codes: outcome.recoveryCodes,
      createdAt: services.now(),
    });
  });

  // The recovery codes were saved: the account is ready, and signing in is the next thing to do.
  router.post('/set-up/:token/saved', async (ctx) => {
    services.csrf.check(ctx, await readFields(ctx), 'set-up:done');
    services.views.page(ctx, 'notice', { code: 'account-ready', continueHref: `${services.prefix}/account` });
  });

  function show(
    ctx: Context,
    token: string,
    { link, accountName, enrolment }: OpenedSetup,
    error?: FormError,
    typed?: { readonly username: string; readonly email: string },
  ): void {
    const form = {
      action: `${services.prefix}/set-up/${token}`,
      csrf: services.csrf.token(`set-up:${token}`),
      error,
      leastLength: shortestWithSecondFactor,
      enrolment,
    };
    const options = { status: error === undefined ? 200 : 422 };
    if (link.purpose === 'first-operator') {
      services.views.page(ctx, 'first-operator', { ...form, username: typed?.username, email: typed?.email }, options);
    } else {
      const purpose = link.purpose === 'activation' ? 'activation' : 'recovery';
      services.views.page(ctx, 'set-password', { ...form, purpose, accountName }, options);
    }
  }

  return router;
}
