import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { auditEventTypes } from '../../src/domain/audit-event.ts';
import { accountNoticeCodes } from '../../src/http/account-pages.ts';
import { loadLanguages } from '../../src/http/i18n.ts';
import { formErrorCodes } from '../../src/http/page-parts.ts';
import { errorPageCodes, noticePageCodes } from '../../src/http/pages.ts';
import { projectFolder } from '../support/paths.ts';

const views = join(projectFolder, 'views');
const languages = loadLanguages([views]);
const read = (tag: string): Record<string, string> =>
  JSON.parse(readFileSync(join(views, 'locales', `${tag}.json`), 'utf8')) as Record<string, string>;
const english = read('en');
const plural = /\.(zero|one|two|few|many|other)$/;
const base = (key: string): string => key.replace(plural, '');
const blanks = (text: string): string[] => [...text.matchAll(/\{(\w+)\}/g)].map(([, name]) => name ?? '').sort();

const sources = [
  ...globSync('views/**/*.eta', { cwd: projectFolder }),
  ...globSync('src/http/*.ts', { cwd: projectFolder }),
]
  .map((path) => readFileSync(join(projectFolder, path), 'utf8'))
  .join('\n');
/** Words in quotes, and words in quotes that something is joined to. */
const words = new Set([...sources.matchAll(/['`"]([a-z][\w.-]+)['"`]/g)].map(([, word]) => word ?? ''));
const beginnings = new Set([
  ...[...sources.matchAll(/'([a-z][\w.-]*[.-])'\s*\+/g)].map(([, word]) => word ?? ''),
  ...[...sources.matchAll(/`([a-z][\w.-]*[.-])\$\{/g)].map(([, word]) => word ?? ''),
]);

/** What the account page and the console tell of. */
const events = Object.keys(auditEventTypes);

test('every message that a page asks for is there', () => {
  const bases = new Set(Object.keys(english).map(base));
  const asked = [...sources.matchAll(/\b(?:t|rich)\(\s*'([^']+)'(?!\s*\+)/g)].map(([, key]) => key ?? '');
  assert.ok(asked.length > 150);
  assert.deepEqual(
    asked.filter((key) => !bases.has(key)),
    [],
  );
  const families = [
    ...formErrorCodes.map((code) => `form-error.${code}`),
    ...errorPageCodes.flatMap((code) => [`error-page.${code}.title`, `error-page.${code}.text`]),
    ...noticePageCodes.flatMap((code) => [`notice-page.${code}.title`, `notice-page.${code}.text`]),
    ...accountNoticeCodes.map((code) => `account-notice.${code}`),
    ...events.map((type) => `activity.${type}`),
  ];
  assert.deepEqual(
    families.filter((key) => !bases.has(key)),
    [],
  );
});

test('no message is without a page', () => {
  const unused = Object.keys(english)
    .map(base)
    .filter((key) => !words.has(key) && ![...beginnings].some((beginning) => key.startsWith(beginning)));
  assert.deepEqual(unused, []);
  const families = new Map<string, readonly string[]>([
    ['form-error.', formErrorCodes],
    ['account-notice.', accountNoticeCodes],
    ['activity.', [...events, 'lead', 'none', 'older', 'not-me', 'something']],
    [
      'error-page.',
      [
        ...errorPageCodes.flatMap((code) => [`${code}.title`, `${code}.text`]),
        'reference',
        'details',
        'form-expired.go-on',
      ],
    ],
    ['notice-page.', noticePageCodes.flatMap((code) => [`${code}.title`, `${code}.text`])],
  ]);
  for (const [beginning, known] of families) {
    const left = Object.keys(english)
      .map(base)
      .filter((key) => key.startsWith(beginning) && !known.includes(key.slice(beginning.length)));
    assert.deepEqual(left, []);
  }
});

for (const { tag } of languages.all.filter(({ tag }) => tag !== 'en')) {
  const own = read(tag);

  test(`${tag} says all that English says, and nothing else`, () => {
    const categories = new Intl.PluralRules(tag).resolvedOptions().pluralCategories;
    const simple = Object.keys(english).filter((key) => !plural.test(key));
    const counted = new Set(
      Object.keys(english)
        .filter((key) => key.endsWith('.other'))
        .map(base),
    );
    const needed = new Set([
      ...simple,
      ...[...counted].flatMap((key) => categories.map((category) => `${key}.${category}`)),
    ]);
    const allowed = new Set([...needed, ...Object.keys(english).filter((key) => key.endsWith('.zero'))]);
    assert.deepEqual({ missing: [...needed].filter((key) => !(key in own)) }, { missing: [] });
    assert.deepEqual({ unused: Object.keys(own).filter((key) => !allowed.has(key)) }, { unused: [] });
  });

  test(`${tag} fills the blanks that English fills`, () => {
    for (const [key, text] of Object.entries(own)) {
      const model = english[key] ?? english[`${base(key)}.other`] ?? '';
      // One and two are words of their own in some languages.
      const without = /\.(zero|one|two)$/.test(key) ? new Set(['count']) : new Set<string>();
      assert.deepEqual(
        blanks(text).filter((name) => !without.has(name)),
        blanks(model).filter((name) => !without.has(name)),
        key,
      );
      assert.notEqual(text.trim(), '', key);
    }
  });
}

test('the language is the one chosen here, then ui_locales, own choice, the person’s, the browser’s', () => {
  const wishes = { uiLocales: 'xx de-AT', ownChoice: 'fr', personLocale: 'es', acceptLanguage: 'ar,en;q=0.5' };
  assert.equal(languages.choose({ ...wishes, chosenHere: 'ar' }).tag, 'ar');
  assert.equal(languages.choose(wishes).tag, 'de');
  assert.equal(languages.choose({ ...wishes, uiLocales: 'xx' }).tag, 'fr');
  assert.equal(languages.choose({ ...wishes, uiLocales: '', ownChoice: '' }).tag, 'es');
  assert.equal(languages.choose({ acceptLanguage: 'xx, ar;q=0.8' }).tag, 'ar');
  assert.equal(languages.choose({ acceptLanguage: 'de-CH-1996' }).tag, 'de');
  assert.equal(languages.choose({}).tag, 'en');
  assert.equal(languages.choose({ acceptLanguage: '*' }).tag, 'en');
  assert.equal(languages.choose({ uiLocales: '../../etc/passwd '.repeat(200) }).tag, 'en');
});

test('plurals and numbers follow the language', () => {
  const of = (tag: string, key: string, count: number): string | undefined => languages.get(tag)?.t(key, { count });
  assert.equal(of('en', 'span.minutes', 1), '1 minute');
  assert.equal(of('de', 'span.minutes', 5), '5 Minuten');
  assert.equal(of('ar', 'span.minutes', 2), 'دقيقتين');
  assert.equal(of('ar', 'span.minutes', 3), '3 دقائق');
  assert.equal(of('en', 'account.codes-left', 0), 'You have no recovery codes left.');
  assert.throws(() => languages.get('en')?.t('no.such-message'), /no message/);
});
