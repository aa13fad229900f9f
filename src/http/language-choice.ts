import type { Context, Next } from 'koa';
import { languageCookie, pageAddress, type Views } from './views.ts';

const yearSeconds = 31_536_000;

/**
 * `?lang=` on a page of ours: keeps the choice in a cookie and goes back to the page without it. On a sign-in's pages
 * the cookie also says for which sign-in, since that choice outranks the `ui_locales` the sign-in came with.
 */
export function chooseLanguage({ languages }: Views, secure: boolean) {
  return async (ctx: Context, next: Next): Promise<void> => {
    if (ctx.querystring === '') {
      await next();
      return;
    }
    const { lang, ...others } = ctx.query;
    const ours = ctx.method === 'GET' && pageAddress(ctx) !== undefined;
    const language = typeof lang === 'string' && ours ? languages.get(lang) : undefined;
    if (language === undefined) {
      await next();
      return;
    }
    const uid = /^\/interaction\/([\w-]{1,64})/.exec(ctx.path)?.[1];
    ctx.append(
      'Set-Cookie',
      [
        `${languageCookie}=${language.tag}${uid === undefined ? '' : `.${uid}`}`,
        'path=/',
        `max-age=${yearSeconds}`,
        'httponly',
        'samesite=lax',
        ...(secure ? ['secure'] : []),
      ].join('; '),
    );
    const rest = new URLSearchParams();
    for (const [name, value] of Object.entries(others)) if (typeof value === 'string') rest.append(name, value);
    ctx.status = 303;
    ctx.set('Location', rest.size === 0 ? ctx.path : `${ctx.path}?${rest.toString()}`);
    ctx.body = '';
  };
}
