import { readdirSync, readFileSync } from 'node:fs';
import Negotiator from 'negotiator';

/** Says a message in one language, with its values filled in. */
export type Translate = (key: string, values?: Readonly<Record<string, string | number>>) => string;

export interface Language {
  /** BCP 47. */
  readonly tag: string;
  readonly direction: 'ltr' | 'rtl';
  readonly t: Translate;
}

export interface Languages {
  readonly tags: readonly string[];
  /** The first that we speak, of: the request's `ui_locales`, the person's own choice, what the browser accepts. */
  choose(uiLocales: string | undefined, own: string | undefined, acceptLanguage: string | undefined): Language;
}

type Messages = Readonly<Record<string, string>>;

const fallback = 'en';
const rightToLeft = new Set(['ar', 'fa', 'he', 'ur']);

/** Loads `views/locales/*.json`. A message that a language lacks is said in English. */
export function loadLanguages(folder: URL): Languages {
  const all = new Map<string, Messages>();
  for (const file of readdirSync(folder)) {
    if (!file.endsWith('.json')) continue;
    all.set(file.slice(0, -5), JSON.parse(readFileSync(new URL(file, folder), 'utf8')) as Messages);
  }
  const english = all.get(fallback);
  if (english === undefined) throw new Error('the English messages are missing');
  const languages = new Map([...all].map(([tag, messages]) => [tag, makeLanguage(tag, messages, english)]));
  const tags = [...languages.keys()];
  const find = (tag: string): Language | undefined => languages.get(tag) ?? languages.get(tag.split('-')[0] ?? '');
  return {
    tags,
    choose(uiLocales, own, acceptLanguage) {
      const wanted = [...(uiLocales ?? '').slice(0, 200).split(' '), own ?? ''];
      for (const tag of wanted) {
        const found = tag === '' ? undefined : find(tag);
        if (found !== undefined) return found;
      }
      const accepted = new Negotiator({ headers: { 'accept-language': (acceptLanguage ?? '').slice(0, 500) } });
      const tag = accepted.languages(tags)[0] ?? fallback;
      return find(tag) ?? makeLanguage(fallback, english, english);
    },
  };
}

function makeLanguage(tag: string, messages: Messages, english: Messages): Language {
  const plurals = new Intl.PluralRules(tag);
  return {
    tag,
    direction: rightToLeft.has(tag) ? 'rtl' : 'ltr',
    t(key, values = {}) {
      const count = values['count'];
      const variant = typeof count === 'number' ? `${key}.${plurals.select(count)}` : key;
      const text = messages[variant] ?? messages[key] ?? english[variant] ?? english[`${key}.other`] ?? english[key];
      if (text === undefined) return key;
      return text.replaceAll(/\{(\w+)\}/g, (whole, name: string) => String(values[name] ?? whole));
    },
  };
}
