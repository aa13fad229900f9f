import { readdirSync, readFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Eta } from 'eta';
import type { Clock } from '../clock.ts';
import { loadAssets, type Assets } from './assets.ts';
import { accentStyle, type Branding } from './branding.ts';
import { createBrands, type Brand } from './brands.ts';
import { displayText, linkableUri, ownImage } from './display-text.ts';
import { escapeHtml } from './escape.ts';
import { contentSecurityPolicy } from './headers.ts';
import { loadLanguages, type Language, type Languages } from './i18n.ts';
import type { RelyingParty } from './page-parts.ts';
import { createPageWords, type Scene } from './page-words.ts';
import type { CommonLocals, PageName, Pages } from './pages.ts';
import { readerOf, wantsJson } from './reader.ts';
import { stepJson } from './step-json.ts';

export interface PageOptions {
  readonly status?: number;
  /** Origins to which the page's forms may lead, beside those of its `relyingParty`. */
  readonly formTargets?: readonly string[];
  /** Address under which this page can be asked for again in another language; null where it cannot. */
  readonly languageHref?: string | null;
}

/** What is needed of a Koa context; the engine's own contexts have it too. */
export interface PageContext {
  readonly req: IncomingMessage;
  readonly res: ServerResponse;
  readonly method: string;
  readonly path: string;
  status: number;
  type: string;
  body: unknown;
  set(name: string, value: string): void;
}

export type LocalsOf<Name extends PageName> = Pages[Name] & CommonLocals;

export interface Views {
  readonly languages: Languages;
  readonly assets: Assets;
  /** The installation's own. */
  readonly brand: Brand;
  languageOf(ctx: PageContext): Language;
  /**
   * Answers with a page, or with the same step as JSON where that is asked for. Sets status, policy, language and, from
   * `retryAfterSeconds`, Retry-After.
   */
  page<Name extends PageName>(ctx: PageContext, name: Name, locals: LocalsOf<Name>, options?: PageOptions): void;
  /** The end of a sign-in: a 303, or `{ "page": "finished", "location" }` where JSON is asked for. */
  finished(ctx: PageContext, location: string): void;
  /** The page alone, for pictures, tests and mails. */
  html<Name extends PageName>(name: Name, locals: LocalsOf<Name>, scene: Scene): string;
  /** Renders any template by its path, such as `mail/notice`. */
  template(path: string, locals: Readonly<Record<string, unknown>>, scene: Scene, brand?: Brand): string;
}

/** Cookie that keeps the language chosen on our pages. Not signed: it decides nothing but words. */
export const languageCookie = 'twofold-language';
export const ownViewsFolder = fileURLToPath(new URL('../../views/', import.meta.url));

/**
 * Reads and compiles all templates once; a fault in one ends the start. `folder` is the operator's own views folder,
 * laid over ours file by file. Everything a template prints is escaped unless it says otherwise.
 */
export function createViews({
  branding,
  clock,
  folder,
  prefix = '',
}: {
  readonly branding: Branding;
  readonly clock: Clock;
  readonly folder?: string | undefined;
  /** Path of the issuer, without its last slash; '' where it has none. */
  readonly prefix?: string;
}): Views {
  const folders = folder === undefined ? [ownViewsFolder] : [ownViewsFolder, folder];
  const languages = loadLanguages(folders);
  const brands = createBrands(branding);
  const assets = loadAssets(folders, accentStyle(branding.accent), brands.files);
  const eta = new Eta({
    autoEscape: true,
    escapeFunction: escapeHtml,
    autoTrim: ['nl', 'nl'],
    functionHeader: 'const { t, rich, when, exactly, date, time, icon, brand, asset, language, base } = it.ui;',
  });
  const pages = new Map<string, string>();
  for (const [name, text] of readTemplates(folders)) {
    eta.loadTemplate(`@${name}`, text);
    if (!/^(?:partials|mail)\/|^layout/.test(name)) pages.set(basename(name), `@${name}`);
  }

  function template(
    path: string,
    locals: Readonly<Record<string, unknown>>,
    scene: Scene,
    brand = brands.brandOf(),
  ): string {
    const { language, requestId, languageHref } = scene;
    const ui = {
      ...createPageWords(scene, brand),
      brand,
      asset: (name: string) => prefix + assets.path(name),
      base: prefix,
      timeZone: scene.timeZone,
      language,
      languages: languages.all,
      languageHref,
      requestId,
      show: displayText,
    };
    return eta.render(path.startsWith('@') ? path : `@${path}`, { ...locals, ui });
  }

  function html<Name extends PageName>(name: Name, locals: LocalsOf<Name>, scene: Scene): string {
    const path = pages.get(name);
    if (path === undefined) throw new Error(`there is no template for the page ${name}`);
    const brand = brands.brandOf(locals.relyingParty?.id);
    const relyingParty = present(locals.relyingParty, brand.own, (file) => prefix + assets.path(file));
    return template(path, { ...locals, page: name, relyingParty }, scene, brand);
  }

  function languageOf(ctx: PageContext): Language {
    const { uiLocales, personLocale } = readerOf(ctx);
    const [, choice = '', where = ''] =
      new RegExp(`(?:^|; ?)${languageCookie}=([\\w-]{2,35})(?:\\.([\\w-]{1,64}))?`).exec(
        ctx.req.headers.cookie ?? '',
      ) ?? [];
    return languages.choose({
      chosenHere: where !== '' && ctx.path.split('/')[2] === where ? choice : undefined,
      uiLocales,
      ownChoice: choice,
      personLocale,
      acceptLanguage: ctx.req.headers['accept-language'],
    });
  }

  return {
    languages,
    assets,
    brand: brands.brandOf(),
    languageOf,
    template,
    html,
    page(ctx, name, locals, options = {}) {
      const language = languageOf(ctx);
      const { requestId, timeZone } = readerOf(ctx);
      const wait = (locals as { readonly retryAfterSeconds?: number }).retryAfterSeconds ?? 0;
      const href = options.languageHref === undefined ? pageAddress(ctx) : options.languageHref;
      const scene: Scene = {
        language,
        requestId,
        timeZone: timeZone ?? 'UTC',
        now: clock.now(),
        languageHref: href === null || href === undefined ? undefined : prefix + href,
      };
      ctx.status = options.status ?? 200;
      ctx.set('Cache-Control', 'no-store');
      ctx.set('Content-Language', language.tag);
      ctx.set('Vary', 'Accept, Accept-Language, Cookie');
      if (wait > 0) ctx.set('Retry-After', String(Math.ceil(wait)));
      const json = wantsJson(ctx) ? stepJson(name, locals, (key, values) => language.t(key, values)) : undefined;
      if (json !== undefined) {
        ctx.type = 'application/json';
        ctx.body = JSON.stringify(json);
        return;
      }
      const targets = [...(locals.relyingParty?.formTargets ?? []), ...(options.formTargets ?? [])];
      ctx.set('Content-Security-Policy', contentSecurityPolicy(targets));
      ctx.type = 'text/html; charset=utf-8';
      ctx.body = html(name, locals, scene);
    },
    finished(ctx, location) {
      if (wantsJson(ctx)) {
        ctx.status = 200;
        ctx.type = 'application/json';
        ctx.body = JSON.stringify({ page: 'finished', location });
        return;
      }
      ctx.status = 303;
      ctx.set('Location', location);
      ctx.body = '';
    },
  };
}

/** Addresses that are no pages of ours, or pages that only the engine can draw again. */
const notOwnPages =
  /^\/(?:auth|token|me|par|introspect|revoke|logout|register|backchannel|jwks|assets|healthz|readyz|csp-reports|\.well-known|(?:account|admin)\/api)(?:\/|$)/;

/** The address by which the page that answers this request is asked for again, in another language; if there is one. */
export function pageAddress({ method, path }: Pick<PageContext, 'method' | 'path'>): string | undefined {
  const interaction = /^\/interaction\/[\w-]+/.exec(path)?.[0];
  if (interaction !== undefined) return interaction;
  return method === 'GET' && !notOwnPages.test(path) && /^\/[\w/.~-]*$/.test(path) ? path : undefined;
}

/**
 * A relying party's own words, cut and cleaned; its pictures only where nothing is fetched for them. What the operator
 * set for it (`own`) stands before what it says itself.
 */
function present(
  party: RelyingParty | undefined,
  own: Brand['own'],
  addressOf: (file: string) => string,
): (RelyingParty & { readonly initial: string }) | undefined {
  if (party === undefined) return undefined;
  const name = own.name ?? (displayText(party.name, 60) || displayText(party.host, 60));
  return {
    name,
    host: displayText(party.host, 100),
    initial: (Array.from(name)[0] ?? '').toUpperCase(),
    logoUri: own.logo === undefined ? ownImage(party.logoUri) : addressOf(own.logo),
    policyUri: linkableUri(party.policyUri),
    termsUri: linkableUri(party.termsUri),
  };
}

function readTemplates(folders: readonly string[]): Map<string, string> {
  const found = new Map<string, string>();
  for (const folder of folders) {
    for (const file of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
      if (!file.endsWith('.eta')) continue;
      found.set(file.slice(0, -4).replaceAll('\\', '/'), readFileSync(join(folder, file), 'utf8'));
    }
  }
  return found;
}
