import assert from 'node:assert/strict';
import { test } from 'node:test';
import { noticeRules } from '../../src/domain/notice.ts';
import { drawMail, mailKinds, sampleMail } from '../support/sample-mails.ts';
import { sampleNow, samples } from '../support/sample-pages.ts';
import { drawSample, sampleViews } from '../support/sample-server.ts';

test('every kind of mail has its own words in every language, as text and as HTML', () => {
  for (const { tag, direction } of sampleViews.languages.all) {
    const subjects = new Map<string, string[]>();
    for (const kind of mailKinds) {
      const { subject, text, html } = drawMail(sampleMail(kind, { locale: tag }));
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
    assert.equal(
      subjects.size,
      mailKinds.length,
      JSON.stringify([...subjects.values()].filter((same) => same.length > 1)),
    );
  }
});

test('a mail says when in the person’s own time, in English where we do not speak the language', () => {
  const { subject, text } = drawMail(sampleMail('password-changed', { locale: 'xx' }));
  assert.equal(subject, 'Your password was changed');
  assert.match(text, /March 14, 2026 at 04:09 PM GMT\+1/);
});

test('an authenticator that nobody named is called in the reader’s language, in mails and on the account page', () => {
  const label = 'Authenticator app';
  const { text } = drawMail(sampleMail('authenticator-added', { locale: 'de', details: { label } }));
  assert.match(text, /Authenticator-App/);
  assert.doesNotMatch(text, /Authenticator app/);
  const [page] = samples.filter((one) => one.page === 'authenticators' && one.state === 'one');
  assert.ok(page);
  const one = { id: '1', label, createdAt: sampleNow, lastUsedAt: null };
  const html = drawSample({ ...page, locals: { ...page.locals, authenticators: [one] } }, 'fr');
  assert.match(html, /<bdi>Application d’authentification<\/bdi>/);
  assert.doesNotMatch(html, /Authenticator app/);
});

test('nobody whose password and authenticators an operator made void is told to do nothing', () => {
  const { text } = drawMail(sampleMail('recovery-link'));
  assert.match(text, /no longer work/);
  assert.doesNotMatch(text, /need not do anything/);
  assert.match(drawMail(sampleMail('known-browser-link')).text, /need not do anything/);
});

test('H13 a name full of markup and line breaks stays text on one line', () => {
  const name = '<b>Ada</b>\r\nBcc: all@example.com <%= 7*7 %>';
  const { subject, text, html } = drawMail(sampleMail('browser-new', { name, details: { label: name } }));
  assert.equal(subject, 'A new browser signed in');
  assert.ok(text.includes('<b>Ada</b> Bcc: all@example.com <%= 7*7 %>'));
  assert.ok(!html.includes('<b>Ada'));
  assert.ok(!html.includes('49'));
});
