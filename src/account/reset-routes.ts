import Router from '@koa/router';
import type { Context } from 'koa';
import type { RequestContext } from '../domain/audit-event.ts';
import type { CookieJar } from '../http/cookies.ts';
import type { Csrf } from '../http/csrf.ts';
import { readFields } from '../http/forms.ts';
import type { FormError } from '../http/page-parts.ts';
import { setReader } from '../http/reader.ts';
import type { Views } from '../http/views.ts';
import type { createResetByLink, OpenedReset } from './reset-by-link.ts';

export interface ResetRouteServices {
  readonly views: Views;
  readonly csrf: Csrf;
  readonly cookies: CookieJar;
  readonly prefix: string;
  readonly requestContext: (ctx: Context) => RequestContext;
  readonly reset: ReturnType<typeof createResetByLink>;
  /** The shortest password this person may choose. */
  readonly leastLengthFor: (userId: string) => Promise<number>;
  readonly rememberBrowser: (userId: string, userAgent: string) => Promise<string>;
}

/** The page of a mailed link for a new password. Looking at it uses nothing; setting the password signs nobody in. */
export function resetRoutes(services: ResetRouteServices): Router {
  const { views, csrf, cookies, prefix } = services;
  const router = new Router({ strict: true, sensitive: true });

  router.get('/reset-password/:token', async (ctx) => {
    const { token } = ctx.params as { token: string };
    await show(ctx, await services.reset.open(token));
  });

  router.post('/reset-password/:token', async (ctx) => {
    const { token } = ctx.params as { token: string };
    const fields = await readFields(ctx);
    csrf.check(ctx, fields, ctx.path);
    const request = { password: fields.get('password') ?? '', code: fields.get('code') ?? '' };
    const context = services.requestContext(ctx);
    const outcome = await services.reset.complete(token, request, context);
    if (outcome.kind === 'refused') return show(ctx, await services.reset.open(token), outcome.error);
    if (outcome.opened) {
      // A new password and a recovery code were proven here: this browser may bind the new authenticator.
      const browserToken = await services.rememberBrowser(outcome.userId, context.userAgent);
      cookies.set(ctx, cookies.browser, browserToken, 90 * 86_400);
    }
    views.page(ctx, 'notice', { code: 'password-set', continueHref: `${prefix}/account` });
  });

  async function show(ctx: Context, { user, closed }: OpenedReset, error?: FormError): Promise<void> {
    setReader(ctx, { personLocale: user.locale, timeZone: user.zoneinfo });
    const seconds = error?.code === 'wait' ? Number(error.values?.['seconds']) : undefined;
    if (seconds !== undefined) ctx.set('Retry-After', String(seconds));
    const locals = {
      action: `${prefix}${ctx.path}`,
      csrf: csrf.token(ctx.path),
      purpose: closed ? ('reopen' as const) : ('reset' as const),
      accountName: user.username,
      leastLength: await services.leastLengthFor(user.id),
      asksCode: closed,
      error,
    };
    views.page(ctx, 'set-password', locals, { status: error === undefined ? 200 : seconds === undefined ? 422 : 429 });
  }

  return router;
}
