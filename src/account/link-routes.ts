import Router from '@koa/router';
import type { Context } from 'koa';
import type { RequestContext } from '../domain/audit-event.ts';
import { linkSecondsOf } from '../domain/notice.ts';
import type { CookieJar } from '../http/cookies.ts';
import type { Csrf } from '../http/csrf.ts';
import { readFields, type Fields } from '../http/forms.ts';
import type { FormError } from '../http/page-parts.ts';
import type { LocalsOf, Views } from '../http/views.ts';
import type { createHelpRequests } from '../users/help-requests.ts';
import type { LinkPurpose } from '../users/link-store.ts';
import type { createLinkRequests } from '../users/link-requests.ts';
import type { createMailedLinks } from '../users/mailed-links.ts';
import type { createThisWasNotMe } from '../users/this-was-not-me.ts';

export interface LinkRouteServices {
  readonly views: Views;
  readonly csrf: Csrf;
  readonly cookies: CookieJar;
  /** Path prefix of the issuer. */
  readonly prefix: string;
  readonly requestContext: (ctx: Context) => RequestContext;
  readonly linkRequests: ReturnType<typeof createLinkRequests>;
  readonly mailedLinks: ReturnType<typeof createMailedLinks>;
  readonly thisWasNotMe: ReturnType<typeof createThisWasNotMe>;
  readonly helpRequests: ReturnType<typeof createHelpRequests>;
  readonly selfRegistration: boolean;
}

const browserCookieSeconds = 90 * 86_400;

/** Pages that need no sign-in: asking for a link or for help, and what mailed links open. None of them signs in. */
export function linkRoutes(services: LinkRouteServices): Router {
  const { views, csrf, cookies, prefix, requestContext } = services;
  const router = new Router({ strict: true, sensitive: true });
  const accountHref = `${prefix}/account`;
  const form = (path: string) => ({ action: `${prefix}${path}`, csrf: csrf.token(path) });
  /** The sign-in from which somebody came here, if it says so; looked at, it is nobody's but its browser's. */
  const signInOf = ({ query: { back } }: Context): string | undefined =>
    typeof back === 'string' && /^\/interaction\/[\w-]{16,64}$/.test(back) ? back : undefined;
  const backFrom = (ctx: Context): string => prefix + (signInOf(ctx) ?? '/account');
  const request = (ctx: Context) => {
    const back = signInOf(ctx);
    const { action, csrf: token } = form(ctx.path);
    return { action: back === undefined ? action : `${action}?back=${back}`, csrf: token, backHref: backFrom(ctx) };
  };
  const submitted = async (ctx: Context): Promise<Fields> => {
    const fields = await readFields(ctx);
    csrf.check(ctx, fields, ctx.path);
    return fields;
  };
  const tokenOf = (ctx: Context): string => (ctx as unknown as { params: { token: string } }).params.token;

  router.get('/forgot-password', (ctx) => {
    views.page(ctx, 'forgot-password', request(ctx));
  });
  router.post('/forgot-password', async (ctx) => {
    const login = (await submitted(ctx)).get('login') ?? '';
    const locale = views.languageOf(ctx).tag;
    const context = requestContext(ctx);
    await services.linkRequests.request({ purpose: 'password-reset', login, locale, context });
    linkSent(ctx, 'reset', linkSecondsOf('password-reset-link'));
  });

  if (services.selfRegistration) {
    router.get('/sign-up', (ctx) => {
      views.page(ctx, 'sign-up', request(ctx));
    });
    router.post('/sign-up', async (ctx) => {
      const login = (await submitted(ctx)).get('email') ?? '';
      const locale = views.languageOf(ctx).tag;
      await services.linkRequests.request({ purpose: 'sign-up', login, locale, context: requestContext(ctx) });
      linkSent(ctx, 'sign-up', linkSecondsOf('sign-up-link'));
    });
  }

  router.get('/ask-for-help', (ctx) => {
    views.page(ctx, 'ask-for-help', request(ctx));
  });
  router.post('/ask-for-help', async (ctx) => {
    const fields = await submitted(ctx);
    const asked = { login: fields.get('login') ?? '', message: fields.get('message') ?? '' };
    await services.helpRequests.request(asked, requestContext(ctx));
    views.page(ctx, 'notice', { code: 'help-requested', continueHref: backFrom(ctx) });
  });

  router.get('/not-me/:token', async (ctx) => {
    await services.thisWasNotMe.open(tokenOf(ctx));
    views.page(ctx, 'not-me', form(ctx.path));
  });
  router.post('/not-me/:token', async (ctx) => {
    await submitted(ctx);
    await services.thisWasNotMe.use(tokenOf(ctx), requestContext(ctx));
    cookies.clear(ctx, cookies.browser);
    views.page(ctx, 'notice', { code: 'not-me-done' });
  });

  router.get('/link/:token', (ctx) => showLink(ctx));
  router.post('/link/:token', async (ctx) => {
    await submitted(ctx);
    const done = await services.mailedLinks.confirm(tokenOf(ctx), requestContext(ctx));
    switch (done.kind) {
      case 'browser-known': {
        cookies.set(ctx, cookies.browser, done.browserToken, browserCookieSeconds);
        const { interaction } = done;
        const continueHref = interaction === undefined ? accountHref : `${prefix}/interaction/${interaction}`;
        views.page(ctx, 'notice', { code: 'browser-known', continueHref });
        return;
      }
      case 'email-confirmed':
        views.page(ctx, 'notice', { code: 'email-confirmed', continueHref: accountHref });
        return;
      case 'email-taken':
        return showLink(ctx, { code: 'email-taken' });
      case 'signed-up':
        ctx.status = 303;
        ctx.set('Location', `${prefix}/set-up/${done.activationToken}`);
        ctx.body = '';
    }
  });

  async function showLink(ctx: Context, error?: FormError): Promise<void> {
    const { purpose, details } = await services.mailedLinks.open(tokenOf(ctx));
    const locals = { ...form(ctx.path), purpose: shownPurpose(purpose), email: details?.['email'], error };
    views.page(ctx, 'confirm-by-link', locals, { status: error === undefined ? 200 : 422 });
  }

  /** The same page whether anything was sent: for a name nobody has, and for the tenth request of an hour. */
  function linkSent(ctx: Context, purpose: LocalsOf<'mail-link-sent'>['purpose'], seconds: number): void {
    views.page(ctx, 'mail-link-sent', { purpose, validMinutes: seconds / 60, backHref: backFrom(ctx) });
  }

  return router;
}

function shownPurpose(purpose: LinkPurpose): LocalsOf<'confirm-by-link'>['purpose'] {
  if (purpose === 'known-browser' || purpose === 'first-enrolment' || purpose === 'sign-up') return purpose;
  return 'confirm-email';
}
