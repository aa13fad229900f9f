import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import Negotiator from 'negotiator';

export type MessageValues = Readonly<Record<string, string | number>>;

/** One language: its messages, and its way of writing numbers, lists and times. */
export interface Language {
  /** BCP 47. */
  readonly tag: string;
  readonly direction: 'ltr' | 'rtl';
  /** What it calls itself. */
  readonly name: string;
  /**
   * The message with its blanks (`{name}`) filled in, as plain text. A number called `count` chooses the plural form
   * (`key.one`, `key.other`, …). An unknown key is a fault of ours: it throws, so that a test finds it.
   */
  t(key: string, values?: MessageValues): string;
  has(key: string): boolean;
  number(value: number): string;
  list(values: readonly string[]): string;
  /** "3 hours ago", or the date where it is more than six days away. */
  ago(value: Date, now: Date, timeZone: string): string;
  date(value: Date, timeZone: string): string;
  /** The whole date with the time and its zone. */
  exact(value: Date, timeZone: string): string;
  time(value: Date, timeZone: string): string;
}

export interface Languages {
  readonly all: readonly Language[];
  get(tag: string): Language | undefined;
  /** The first that we speak, in the reader's order of wishes; English where we speak none. */
  choose(wishes: LanguageWishes): Language;
}

export interface LanguageWishes {
  /** Chosen on this very sign-in's pages; nothing outranks it. */
  readonly chosenHere?: string | undefined;
  /** OpenID Connect Core section 3.1.2.1: tags with spaces between. */
  readonly uiLocales?: string | undefined;
  /** Chosen on our pages some other time. */
  readonly ownChoice?: string | undefined;
  /** The person's `locale`. */
  readonly personLocale?: string | null | undefined;
  readonly acceptLanguage?: string | undefined;
}

const fallback = 'en';

/** Loads `locales/*.json` from folders in order; a later folder's messages stand in for the earlier ones'. */
export function loadLanguages(folders: readonly string[]): Languages {
  const messages = new Map<string, Map<string, string>>();
  for (const folder of folders) {
    for (const file of readdirSync(join(folder, 'locales'), { withFileTypes: true })) {
      const tag = /^([a-z]{2,3}(?:-[A-Za-z0-9]+)*)\.json$/.exec(file.name)?.[1];
      if (tag === undefined) continue;
      const read = JSON.parse(readFileSync(join(folder, 'locales', file.name), 'utf8')) as Record<string, string>;
      messages.set(tag, new Map([...(messages.get(tag) ?? []), ...Object.entries(read)]));
    }
  }
  const english = messages.get(fallback) ?? new Map<string, string>();
  const languages = new Map([...messages].map(([tag, own]) => [tag, createLanguage(tag, own, english)]));
  const all = [...languages.values()];
  const speak = (wish: string): Language | undefined => {
    const tag = wish.toLowerCase();
    return all.find((language) => language.tag.toLowerCase() === tag) ?? languages.get(tag.split('-')[0] ?? '');
  };
  const get = (wish: string | null | undefined): Language | undefined =>
    wish === null || wish === undefined || wish === '' ? undefined : speak(wish.slice(0, 35));

  return {
    all,
    get,
    choose({ chosenHere, uiLocales, ownChoice, personLocale, acceptLanguage }) {
      for (const wish of [chosenHere, ...(uiLocales ?? '').slice(0, 200).split(' '), ownChoice, personLocale]) {
        const found = get(wish);
        if (found !== undefined) return found;
      }
      const negotiator = new Negotiator({ headers: { 'accept-language': (acceptLanguage ?? '').slice(0, 500) } });
      // Whoever takes any language (`*`) gets English, not the first of the alphabet.
      const accepted = negotiator.languages([fallback, ...languages.keys()])[0];
      const found = get(accepted) ?? get(fallback);
      if (found === undefined) throw new Error('the English messages are missing');
      return found;
    },
  };
}

const minute = 60;
const hour = 3600;
const day = 86_400;

function createLanguage(tag: string, own: ReadonlyMap<string, string>, english: ReadonlyMap<string, string>): Language {
  // Codes and keys on the pages are in Latin digits; so are the numbers beside them.
  const locale = `${tag}-u-nu-latn`;
  const plurals = new Intl.PluralRules(locale);
  const numbers = new Intl.NumberFormat(locale);
  const lists = new Intl.ListFormat(locale);
  const relative = new Intl.RelativeTimeFormat(locale, { numeric: 'auto' });
  const find = (key: string): string | undefined => own.get(key) ?? english.get(key);
  const findPlural = (key: string, count: number): string | undefined =>
    (count === 0 ? find(`${key}.zero`) : undefined) ?? find(`${key}.${plurals.select(count)}`) ?? find(`${key}.other`);
  const format = (value: Date, timeZone: string, options: Intl.DateTimeFormatOptions): string =>
    new Intl.DateTimeFormat(locale, { ...options, timeZone: isTimeZone(timeZone) ? timeZone : 'UTC' }).format(value);
  const date = (value: Date, timeZone: string): string => format(value, timeZone, { dateStyle: 'long' });

  return {
    tag,
    direction: new Set(['ar', 'fa', 'he', 'ur']).has(tag.split('-')[0] ?? '') ? 'rtl' : 'ltr',
    name: new Intl.DisplayNames(tag, { type: 'language' }).of(tag) ?? tag,
    has: (key) => find(key) !== undefined,
    t(key, values = {}) {
      const { count } = values;
      const plural = typeof count === 'number' ? findPlural(key, count) : undefined;
      const text = plural ?? find(key);
      if (text === undefined) throw new Error(`there is no message ${key}`);
      return text.replaceAll(/\{(\w+)\}/g, (blank, name: string) => {
        const value = Object.hasOwn(values, name) ? values[name] : undefined;
        return typeof value === 'number' ? numbers.format(value) : (value ?? blank);
      });
    },
    number: (value) => numbers.format(value),
    list: (values) => lists.format(values),
    date,
    exact: (value, timeZone) =>
      format(value, timeZone, {
        year: 'numeric',
        month: 'long',
        day: 'numeric',
        hour: '2-digit',
        minute: '2-digit',
        timeZoneName: 'short',
      }),
    time: (value, timeZone) => format(value, timeZone, { timeStyle: 'short' }),
    ago(value, now, timeZone) {
      const seconds = Math.round((value.getTime() - now.getTime()) / 1000);
      const distance = Math.abs(seconds);
      if (distance < 45) return relative.format(0, 'second');
      if (distance < 45 * minute) return relative.format(Math.round(seconds / minute), 'minute');
      if (distance < 22 * hour) return relative.format(Math.round(seconds / hour), 'hour');
      if (distance < 6.5 * day) return relative.format(Math.round(seconds / day), 'day');
      return date(value, timeZone);
    },
  };
}

/** Whether a name is a time zone that this runtime knows. */
export function isTimeZone(name: string): boolean {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions().timeZone !== '';
  } catch {
    return false;
  }
}
