import assert from 'node:assert/strict';
import { test } from 'node:test';
import { noticeRules, type NoticeKind } from '../../src/domain/notice.ts';
import { createMails, type MailShown } from '../../src/http/mails.ts';
import { sampleNow } from '../support/sample-pages.ts';
import { sampleViews } from '../support/sample-server.ts';

const draw = createMails(sampleViews, { now: () => sampleNow, epochSeconds: () => 0, epochMilliseconds: () => 0 });
const kinds = Object.keys(noticeRules) as NoticeKind[];

function mailOf(kind: NoticeKind, others: Partial<MailShown> = {}): MailShown {
  const { notMe, linkSeconds } = noticeRules[kind];
  return {
    kind,
    name: 'Ada',
    accountName: 'ada',
    locale: 'en',
    timeZone: 'Europe/Berlin',
    at: sampleNow,
    from: { address: '203.0.113.7', userAgent: 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Firefox/140.0' },
    details: { label: 'Phone', remaining: 3 },
    link: linkSeconds === null ? undefined : { href: 'https://id.example/link/t', validSeconds: linkSeconds },
    notMeHref: notMe ? 'https://id.example/not-me/t' : undefined,
    ...others,
  };
}

test('every kind of mail has its own words in every language, as text and as HTML', () => {
  for (const { tag, direction } of sampleViews.languages.all) {
    const subjects = new Map<string, string[]>();
    for (const kind of kinds) {
      const { subject, text, html } = draw(mailOf(kind, { locale: tag }));
      subjects.set(subject, [...(subjects.get(subject) ?? []), kind]);
      assert.ok(html.includes(`lang="${tag}" dir="${direction}"`), `${tag} ${kind}`);
      for (const part of [text, html]) {
        assert.doesNotMatch(part, /\{\w+\}|undefined|\[object/, `${tag} ${kind}`);
        assert.ok(part.includes('203.0.113.7') && part.includes('Firefox'));
        assert.equal(part.includes('/not-me/t'), noticeRules[kind].notMe, `${tag} ${kind}`);
        assert.equal(part.includes('/link/t'), noticeRules[kind].linkSeconds !== null, `${tag} ${kind}`);
      }
      // Nothing is loaded from anywhere: a mail that is opened tells nobody.
      assert.doesNotMatch(html, /<img|<script|<link\b|url\(|src=/, `${tag} ${kind}`);
    }
    assert.equal(subjects.size, kinds.length, JSON.stringify([...subjects.values()].filter((same) => same.length > 1)));
  }
});

test('a mail says when in the person’s own time, in English where we do not speak the language', () => {
  const { subject, text } = draw(mailOf('password-changed', { locale: 'xx' }));
  assert.equal(subject, 'Your password was changed');
  assert.match(text, /March 14, 2026 at 04:09 PM GMT\+1/);
});

test('H13 a name full of markup and line breaks stays text on one line', () => {
  const name = '<b>Ada</b>\r\nBcc: all@example.com <%= 7*7 %>';
  const { subject, text, html } = draw(mailOf('browser-new', { name, details: { label: name } }));
  assert.equal(subject, 'A new browser signed in');
  assert.ok(text.includes('<b>Ada</b> Bcc: all@example.com <%= 7*7 %>'));
  assert.ok(!html.includes('<b>Ada'));
  assert.ok(!html.includes('49'));
});
