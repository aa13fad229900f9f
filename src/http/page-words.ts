import { browserName } from './browser-name.ts';
import { displayText } from './display-text.ts';
import { escapeHtml } from './escape.ts';
import type { Language, MessageValues } from './i18n.ts';
import { icon, type IconName } from './icons.ts';
import type { FormError } from './page-parts.ts';
import { errorInWords, spanInWords } from './spoken.ts';

/** Who reads, where and when: what a template needs beside its locals. */
export interface Scene {
  readonly language: Language;
  readonly timeZone: string;
  readonly now: Date;
  readonly requestId: string;
  /** Address of this page, to which `?lang=` may be added; absent where the page cannot be asked for again. */
  readonly languageHref?: string | undefined;
}

/** The words and parts that templates have at hand (`t`, `rich`, `when`, …). What answers HTML says so in its name. */
export interface PageWords {
  t(key: string, values?: MessageValues): string;
  /** A message as HTML, its values set apart, so that a name's direction cannot turn the sentence. */
  rich(key: string, values: MessageValues): string;
  /** A moment as people say it, as a `<time>` whose title is the exact time. */
  when(value: Date): string;
  /** A moment's whole date and time, as a `<time>`. */
  exactly(value: Date): string;
  date(value: Date): string;
  time(value: Date): string;
  until(seconds: number): { readonly text: string; readonly at: string };
  number(value: number): string;
  icon(name: IconName): string;
  /** "Firefox on Windows". */
  browser(userAgent: string): string;
  /** The name of an authenticator, on one line. */
  authenticator(label: string): string;
  /** What happened, in words. */
  activity(type: string): string;
  scope(name: string, description?: string): string;
  error(error: FormError): string;
  /** A `data:` address of a text file: a page that is shown once can be kept without asking the server again. */
  textFile(lines: readonly string[]): string;
  /** A secret in groups of four. */
  fours(text: string): string;
}

export function createPageWords({ language, timeZone, now }: Scene, brand: { readonly name: string }): PageWords {
  const plain = (values: MessageValues): MessageValues => ({
    product: brand.name,
    ...Object.fromEntries(
      Object.entries(values).map(([name, value]) => [
        name,
        typeof value === 'string' ? displayText(value, 120) : value,
      ]),
    ),
  });
  const t = (key: string, values: MessageValues = {}): string => language.t(key, plain(values));
  const element = (value: Date, text: string): string =>
    `<time datetime="${value.toISOString()}" title="${escapeHtml(language.exact(value, timeZone))}">${escapeHtml(text)}</time>`;

  return {
    t,
    rich(key, values) {
      // Blanks are filled with numbered marks first, so that a value which looks like a blank or a tag stays text.
      const names = Object.keys(values);
      const marks = Object.fromEntries(names.map((name, index) => [name, `\ue000${index}\ue000`]));
      const { count } = values;
      const given: MessageValues = { product: brand.name, ...marks };
      const sentence = escapeHtml(language.t(key, typeof count === 'number' ? { ...given, count } : given));
      return sentence.replaceAll(/\ue000(\d+)\ue000/g, (_mark, index: string) => {
        const value = values[names[Number(index)] ?? ''];
        return `<bdi>${escapeHtml(typeof value === 'string' ? displayText(value, 120) : language.number(value ?? 0))}</bdi>`;
      });
    },
    when: (value) => element(value, language.ago(value, now, timeZone)),
    exactly: (value) => element(value, language.exact(value, timeZone)),
    date: (value) => language.date(value, timeZone),
    time: (value) => language.time(value, timeZone),
    until(seconds) {
      return { text: spanInWords(t, seconds), at: language.time(new Date(now.getTime() + seconds * 1000), timeZone) };
    },
    number: (value) => language.number(value),
    icon,
    browser(userAgent) {
      const { browser, system } = browserName(userAgent);
      if (browser !== undefined && system !== undefined) return t('browser.on', { browser, system });
      return browser ?? system ?? t('browser.unknown');
    },
    authenticator: (label) => (isUnnamed(label) ? t('authenticators.unnamed') : displayText(label, 60)),
    activity: (type) => t(language.has(`activity.${type}`) ? `activity.${type}` : 'activity.something'),
    scope(name, description) {
      if (description !== undefined) return displayText(description, 200);
      return language.has(`scope.${name}`) ? t(`scope.${name}`) : t('scope.named', { scope: name });
    },
    error: (error) => errorInWords(t, error),
    textFile: (lines) => `data:text/plain;charset=utf-8,${encodeURIComponent(lines.join('\r\n'))}`,
    fours: (text) => text.replaceAll(/(.{4})(?=.)/g, '$1 '),
  };
}

/** Where nobody typed a name this one is stored, for programs; people read it in their own language. */
function isUnnamed(label: string): boolean {
  return label.trim() === '' || label === 'Authenticator app';
}
