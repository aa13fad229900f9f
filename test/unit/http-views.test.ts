import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { accentStyle } from '../../src/http/branding.ts';
import { browserName } from '../../src/http/browser-name.ts';
import { displayText } from '../../src/http/display-text.ts';
import { createViews } from '../../src/http/views.ts';
import { sampleNow, samples } from '../support/sample-pages.ts';
import { drawSample, sampleViews } from '../support/sample-server.ts';

const languages = sampleViews.languages.all.map(({ tag }) => tag);
const clock = { now: () => sampleNow, epochSeconds: () => 0, epochMilliseconds: () => 0 };

test('every page draws in every language, with one h1, its name, its language and one direction', () => {
  for (const sample of samples) {
    for (const tag of languages) {
      const html = drawSample(sample, tag);
      const where = `${sample.page} ${sample.state} ${tag}`;
      assert.equal(html.match(/<h1[ >]/g)?.length, 1, where);
      assert.ok(html.includes(`data-page="${sample.page}"`), where);
      assert.ok(html.includes(`<html lang="${tag}" dir="${tag === 'ar' ? 'rtl' : 'ltr'}">`), where);
      assert.doesNotMatch(html, /undefined|\[object|NaN|\{\w+\}/, where);
    }
  }
});

test('G09 nothing is loaded from elsewhere, and nothing runs or is styled inline', () => {
  for (const sample of samples) {
    const html = drawSample(sample);
    for (const [, address] of html.matchAll(/<(?:link|script|img)[^>]*? (?:href|src)="([^"]*)"/g)) {
      assert.match(address ?? '', /^\/assets\/[\w-]{16}\/[\w.-]+$/, sample.page);
    }
    assert.doesNotMatch(html, /<style|<script(?![^>]* src=)| style="| on[a-z]+="/, sample.page);
    assert.doesNotMatch(html, /target="_blank"/, sample.page);
  }
});

test('every page weighs less than 30 KB with its stylesheet and script, compressed', () => {
  const shared = ['twofold.css', 'twofold.js', 'mark.svg']
    .map((name) => sampleViews.assets.find(sampleViews.assets.path(name))?.asset)
    .reduce((sum, asset) => sum + (asset?.gzipped ?? asset?.body ?? Buffer.alloc(0)).length, 0);
  for (const sample of samples) {
    const weight = shared + gzipSync(drawSample(sample, 'ar')).length;
    assert.ok(weight < 30_000, `${sample.page} ${sample.state}: ${weight}`);
  }
});

test('the main button of a page is its first submit button, and its form carries the token', () => {
  for (const sample of samples) {
    const main = /<main[\s\S]*?<\/main>/.exec(drawSample(sample))?.[0] ?? '';
    const { action } = sample.locals as { action?: string };
    if (action === undefined) continue;
    const first = /<form[^>]* method="post" action="([^"]*)"/.exec(main)?.[1];
    assert.equal(first, action, `${sample.page} ${sample.state}`);
    for (const [, form] of main.matchAll(/<form[^>]*method="post"[^>]*>([\s\S]*?)<\/form>/g)) {
      assert.match(form ?? '', /<input type="hidden" name="csrf" value="[^"]+">/, sample.page);
      assert.match(form ?? '', /<button type="submit"/, sample.page);
    }
  }
});

test('G10 fields bear the tokens that password managers and telephones look for, and no field forbids pasting', () => {
  const html = (page: string): string => {
    const found = samples.find((sample) => sample.page === page);
    assert.ok(found);
    return drawSample(found);
  };
  const field = (text: string, name: string): string =>
    new RegExp(`<input[^>]* name="${name}"[^>]*>`).exec(text)?.[0] ?? '';
  assert.match(field(html('password'), 'login'), /autocomplete="username"/);
  assert.match(field(html('password'), 'password'), /type="password".*autocomplete="current-password"/);
  assert.match(field(html('change-password'), 'new_password'), /autocomplete="new-password"/);
  for (const page of ['one-time-code', 'enrol', 'first-operator', 'set-password']) {
    assert.equal(html(page).match(/autocomplete="one-time-code"/g)?.length, 1, page);
    assert.match(field(html(page), 'code'), /autocomplete="one-time-code" inputmode="numeric"/, page);
  }
  for (const sample of samples)
    assert.doesNotMatch(drawSample(sample), /onpaste|autocomplete="off"[^>]*type="password"/);
});

test('E24 a client’s own words are escaped, cut, and cannot turn the line; its host is shown', () => {
  const consent = samples.find(({ page, state }) => page === 'consent' && state === 'full');
  assert.ok(consent);
  const html = drawSample(consent);
  assert.doesNotMatch(html, /<b>Twofold/);
  assert.match(html, /&lt;b&gt;Twofold/);
  assert.doesNotMatch(html, /[\u202a-\u202e\u2066-\u2069]/);
  assert.doesNotMatch(html, /x{70}/);
  assert.match(html, /<bdi>shop\.meadow-books\.example<\/bdi>/);
  assert.equal(displayText('x'.repeat(10_000)).length, 80);
  assert.equal(displayText('a\u202Eb\u0000c\nd'), 'abc d');
});

test('E24 a logo from elsewhere is not loaded, and an address that runs is no link', () => {
  const consent = samples.find(({ page, state }) => page === 'consent' && state === 'empty');
  assert.ok(consent);
  const with_ = (more: object): string =>
    drawSample({
      ...consent,
      locals: { ...consent.locals, relyingParty: { name: 'A', host: 'a.example', ...more } },
    });
  assert.doesNotMatch(with_({ logoUri: 'https://evil.example/logo.png' }), /evil\.example/);
  assert.doesNotMatch(with_({ logoUri: '//evil.example/logo.png' }), /evil\.example/);
  assert.match(with_({ logoUri: 'data:image/png;base64,AAAA' }), /src="data:image\/png;base64,AAAA"/);
  assert.doesNotMatch(
    with_({ policyUri: 'javascript:alert(1)', termsUri: 'data:text/html,x' }),
    /javascript:|data:text/,
  );
});

test('H13 what looks like a template in a field is text', () => {
  const password = samples.find(({ page }) => page === 'password');
  assert.ok(password);
  for (const hostile of ['<%= 7*7 %>', '{{7*7}}', '${7*7}', '{product}', '"><script>alert(1)</script>']) {
    const html = drawSample({ ...password, locals: { ...password.locals, login: hostile } });
    assert.doesNotMatch(html, /value="49"|<script>alert/);
    const otp = samples.find(({ page }) => page === 'one-time-code');
    assert.ok(otp);
    const rich = drawSample({ ...otp, locals: { ...otp.locals, accountName: hostile } });
    assert.doesNotMatch(rich, /<bdi>(49|Twofold)<\/bdi>|<script>alert/);
  }
});

const folder = mkdtempSync(join(tmpdir(), 'views-'));
after(() => rmSync(folder, { recursive: true, force: true }));

test('an operator’s own folder is laid over ours, file by file and message by message', () => {
  for (const name of ['interaction', 'locales', 'static']) mkdirSync(join(folder, name), { recursive: true });
  writeFileSync(join(folder, 'interaction', 'logged-out.eta'), '<h1>Bye from <%= brand.name %></h1>');
  writeFileSync(join(folder, 'locales', 'en.json'), '{"password.title":"Come in"}');
  writeFileSync(join(folder, 'static', 'ours.svg'), '<svg xmlns="http://www.w3.org/2000/svg"/>');
  writeFileSync(join(folder, 'static', '.env'), 'SECRET=1');
  const views = createViews({ branding: { name: 'House' }, clock, folder });
  const scene = { language: views.languages.choose({}), timeZone: 'UTC', now: sampleNow, requestId: '' };
  assert.equal(views.html('logged-out', {}, scene), '<h1>Bye from House</h1>');
  assert.match(views.html('password', { action: '/', csrf: 'x' }, scene), /<h1>Come in<\/h1>/);
  assert.ok(views.assets.find(views.assets.path('ours.svg')));
  assert.throws(() => views.assets.path('.env'));
});

test('a fault in a template ends the start', () => {
  writeFileSync(join(folder, 'interaction', 'logged-out.eta'), '<% if ( { %>');
  assert.throws(() => createViews({ branding: { name: 'House' }, clock, folder }));
});

test('every accent is readable on both themes, on their tinted surfaces too', () => {
  const steps = Array.from({ length: 16 }, (_, step) => (step * 17).toString(16).padStart(2, '0'));
  const contrast = (one: number, other: number): number =>
    (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05);
  const unreadable: string[] = [];
  for (const accent of steps.flatMap((red) =>
    steps.flatMap((green) => steps.map((blue) => `#${red}${green}${blue}`)),
  )) {
    const style = accentStyle(accent);
    const hue = Number(/--hue:(\d+)/.exec(style)?.[1]);
    const [light = 0, dark = 0] = [...style.matchAll(/--accent:hsl\((\d+) (\d+)% (\d+)%\)/g)].map(
      ([, ofHue, saturation, lightness]) => luminance(Number(ofHue), Number(saturation), Number(lightness)),
    );
    // As views/static/twofold.css has them: the darkest tint of the light theme, the lightest of the dark one.
    const readable = contrast(light, 1) >= 4.5 && contrast(light, luminance(hue, 30, 94)) >= 4.5;
    if (!readable || contrast(dark, luminance(hue, 14, 19)) < 4.5) unreadable.push(accent);
  }
  assert.deepEqual(unreadable, []);
  assert.throws(() => accentStyle('red'), /#rrggbb/);
});

test('browsers are named as people know them, and a claim that is none is unknown', () => {
  const chrome =
    'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 Safari/537.36';
  assert.deepEqual(browserName(chrome), { browser: 'Chrome', system: 'Windows' });
  assert.deepEqual(browserName(`${chrome} Edg/140.0`), { browser: 'Edge', system: 'Windows' });
  assert.deepEqual(browserName('<script>'), { browser: undefined, system: undefined });
});

function luminance(hue: number, saturation: number, lightness: number): number {
  const [s, l] = [saturation / 100, lightness / 100];
  const channel = (offset: number): number => {
    const position = (offset + hue / 30) % 12;
    const value = l - s * Math.min(l, 1 - l) * Math.max(-1, Math.min(position - 3, 9 - position, 1));
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  };
  return 0.2126 * channel(0) + 0.7152 * channel(8) + 0.0722 * channel(4);
}
