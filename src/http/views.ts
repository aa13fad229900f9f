import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Eta } from 'eta';
import type { Context } from 'koa';
import { contentSecurityPolicy } from './headers.ts';
import type { Language, Languages } from './i18n.ts';

export interface Branding {
  readonly name: string;
  readonly supportAddress: string | undefined;
}

export interface PageOptions {
  readonly status?: number;
  /** Origins to which the page's forms may lead by a redirect. */
  readonly formTargets?: readonly string[];
}

export interface Views {
  readonly languages: Languages;
  languageOf(ctx: Context): Language;
  /** Answers with a page: `name` is a template under `views/` and the page's `data-page` (without its folder). */
  page(ctx: Context, name: string, locals: Readonly<Record<string, unknown>>, options?: PageOptions): void;
  /** The static files, by the name their content gives them. */
  readonly assets: ReadonlyMap<string, { readonly body: Buffer; readonly type: string }>;
}

const folder = new URL('../../views/', import.meta.url);

/** Templates are compiled once; everything put into them is escaped. */
export function createViews(branding: Branding, languages: Languages): Views {
  const eta = new Eta({ views: fileURLToPath(folder), cache: true, autoEscape: true, rmWhitespace: false });
  const style = asset('twofold.css', 'text/css; charset=utf-8');
  const script = asset('twofold.js', 'text/javascript; charset=utf-8');

  function languageOf(ctx: Context): Language {
    const state = ctx.state as { uiLocales?: string; locale?: string };
    return languages.choose(
      state.uiLocales,
      ctx.cookies.get('twofold-language') ?? state.locale,
      ctx.get('Accept-Language'),
    );
  }

  return {
    languages,
    languageOf,
    assets: new Map([style, script].map(({ path, body, type }) => [path, { body, type }])),
    page(ctx, name, locals, options = {}) {
      const language = languageOf(ctx);
      const requestId = (ctx.state as { requestId?: string }).requestId ?? '';
      const page = name.split('/').at(-1) ?? name;
      const all = {
        ...locals,
        ...language,
        page,
        branding,
        requestId,
        style: style.path,
        script: script.path,
        date: (value: Date) => formatDate(value, language.tag),
      };
      ctx.status = options.status ?? 200;
      ctx.type = 'text/html; charset=utf-8';
      ctx.set('Cache-Control', 'no-store');
      ctx.set('Content-Language', language.tag);
      ctx.set('Vary', 'Accept-Language');
      ctx.set('Content-Security-Policy', contentSecurityPolicy(options.formTargets ?? []));
      ctx.body = eta.render(name, all);
    },
  };
}

function formatDate(value: Date, tag: string): { short: string; exact: string } {
  return {
    short: new Intl.DateTimeFormat(tag, { dateStyle: 'medium', timeStyle: 'short' }).format(value),
    exact: value.toISOString(),
  };
}

function asset(name: string, type: string): { path: string; body: Buffer; type: string } {
  const body = readFileSync(new URL(`static/${name}`, folder));
  const hash = createHash('sha256').update(body).digest('base64url').slice(0, 16);
  return { path: `/assets/${hash}/${name}`, body, type };
}
