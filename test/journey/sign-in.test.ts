import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { oneTimeCode, secretFromBase32, timeStepAt } from '../../src/domain/totp.ts';
import { newBrowser } from '../support/browser.ts';
import { printedAtStart } from '../support/first-run.ts';
import { readQrCode } from '../support/qr-code.ts';
import { startSampleRelyingParty, type SampleRelyingParty } from '../support/sample-relying-party.ts';
import { startService, type Shape, type TestService } from '../support/service.ts';
import { wrongCodes } from '../support/sign-in.ts';

/** The code an app makes of what it read from the picture. */
function codeOfUri(uri: string, offset = 0): string {
  const url = new URL(uri);
  assert.equal(url.protocol, 'otpauth:');
  const secret = secretFromBase32(url.searchParams.get('secret') ?? '');
  assert.ok(secret);
  const step = timeStepAt(Math.floor(Date.now() / 1000), 30) + offset;
  return oneTimeCode({ secret, algorithm: 'SHA1', digits: 6, periodSeconds: 30 }, step);
}

for (const shape of ['servers', 'embedded'] satisfies Shape[]) {
  describe(`sign-in in Chromium on ${shape}`, () => {
    let service: TestService;
    let browser: Browser;
    let sample: SampleRelyingParty;
    before(async () => {
      service = await startService(shape);
      [browser, sample] = await Promise.all([newBrowser(), startSampleRelyingParty(service)]);
    });
    after(async () => {
      await browser?.close();
      await sample?.stop();
      await service?.close();
    });

    async function newPage(options: BrowserContextOptions = {}): Promise<Page> {
      const page = await (await browser.newContext({ locale: 'en-GB', ...options })).newPage();
      page.setDefaultTimeout(20_000);
      return page;
    }

    const at = (page: Page, name: string): Promise<void> => page.locator(`body[data-page="${name}"]`).waitFor();
    const atSample = (page: Page, title: string): Promise<void> => page.locator(`h1:text-is("${title}")`).waitFor();
    /** Presses Enter as people do: the page's main button is the first in its form. */
    async function enter(page: Page, field: string, value: string): Promise<void> {
      // Six digits send themselves where scripts run, so Enter may find the page gone.
      await page.fill(`main [name=${field}]`, value);
      await page.keyboard.press('Enter').catch(() => undefined);
    }
    const press = (page: Page): Promise<void> => page.locator('main form button.button').first().click();

    async function password(page: Page, person: { readonly username: string; readonly password: string }) {
      await at(page, 'password');
      await page.fill('main [name=login]', person.username);
      await enter(page, 'password', person.password);
    }

    async function signOut(page: Page): Promise<void> {
      await page.click('a.button:text-is("Sign out")');
      await at(page, 'logout');
      await press(page);
      await page.locator('a.button:text-is("Sign in")').waitFor();
    }

    /** A relying party that asks silently gets no code as long as not both factors were proven. */
    async function assertSilentlyRefused(page: Page): Promise<void> {
      // By the browser's own cookies; the sample would take it for the sign-in that is under way.
      const query = new URLSearchParams({
        client_id: 'sample',
        redirect_uri: `${sample.address}/callback`,
        response_type: 'code',
        scope: 'openid',
        prompt: 'none',
        code_challenge: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM',
        code_challenge_method: 'S256',
      });
      const answer = await page
        .context()
        .request.get(`${service.issuer}/auth?${query.toString()}`, { maxRedirects: 0 });
      const back = new URL(answer.headers()['location'] ?? '');
      assert.equal(back.origin, sample.address);
      assert.match(back.searchParams.get('error') ?? '', /^(login|interaction)_required$/);
      assert.equal(back.searchParams.get('code'), null);
    }

    test('C02 C11 the first sign-in enrols from the picture; later ones take a code or a recovery code', async () => {
      const person = await service.addPerson({ withoutFactor: true });
      const page = await newPage();
      const refusals: string[] = [];
      page.on('console', (message) => {
        if (/Content Security Policy/.test(message.text())) refusals.push(message.text());
      });
      await page.goto(sample.address);
      await page.click('a.button:text-is("Sign in")');
      await at(page, 'password');
      await assertSilentlyRefused(page);
      await password(page, person);
      await at(page, 'enrol');
      await assertSilentlyRefused(page);
      const uri = await readQrCode(page.locator('.qr'));
      await enter(page, 'code', codeOfUri(uri));
      await at(page, 'recovery-codes');
      await assertSilentlyRefused(page);
      const shown = await page.locator('main').innerText();
      const recoveryCodes = shown.match(/\b[0-9A-Z]{4}(?:-[0-9A-Z]{4}){3,}\b/gi) ?? [];
      assert.equal(new Set(recoveryCodes).size, 10, shown);
      const saved = page.locator('main input[name=saved]');
      if ((await saved.getAttribute('type')) === 'checkbox') await saved.check();
      await press(page);
      await at(page, 'consent');
      await press(page);
      await atSample(page, 'You are signed in');
      assert.match(await page.locator('body').innerText(), /otp/);

      await signOut(page);
      await page.goto(`${sample.address}/sign-in`);
      await password(page, person);
      await at(page, 'one-time-code');
      await assertSilentlyRefused(page);
      await enter(page, 'code', codeOfUri(uri, 1));
      await atSample(page, 'You are signed in');

      await signOut(page);
      await page.goto(`${sample.address}/sign-in`);
      await password(page, person);
      await at(page, 'one-time-code');
      await page.locator('form[action$="use-recovery-code"] button').click();
      await at(page, 'recovery-code');
      await enter(page, 'code', recoveryCodes[0] ?? '');
      await atSample(page, 'You are signed in');
      assert.match(await page.locator('body').innerText(), /recovery-code/);
      assert.deepEqual(refusals, [], 'the policy kept nothing of ours from happening');
      await page.context().close();
    });

    test('A01 B01 without JavaScript: a used code in a second browser, wrong ones to the end of the challenge', async () => {
      const person = await service.addPerson();
      const code = person.code();
      const page = await newPage({ javaScriptEnabled: false });
      await page.goto(`${sample.address}/sign-in`);
      await password(page, person);
      await at(page, 'one-time-code');
      await enter(page, 'code', code);
      await at(page, 'consent');
      await press(page);
      await atSample(page, 'You are signed in');

      const second = await newPage({ javaScriptEnabled: false });
      await second.goto(`${sample.address}/sign-in`);
      await password(second, person);
      await at(second, 'one-time-code');
      await enter(second, 'code', code);
      await second.locator('[role=alert]').waitFor();
      await at(second, 'one-time-code');
      await assertSilentlyRefused(second);
      const [first, ...others] = wrongCodes(person, 4);
      for (const wrong of others) {
        await second.fill('main [name=code]', wrong);
        await Promise.all([second.waitForEvent('load'), press(second)]);
        await at(second, 'one-time-code');
      }
      await enter(second, 'code', first ?? '');
      await at(second, 'password');
      assert.match(await second.locator('[role=alert]').innerText(), /wrong codes/i);
      await assertSilentlyRefused(second);
      await page.context().close();
      await second.context().close();
    });

    test('K06 the first operator sets up name, password and authenticator by the printed link, once', async () => {
      const lines = await printedAtStart(service);
      if (shape === 'servers') {
        assert.deepEqual(lines, [], 'only the embedded default prints a link');
        return;
      }
      const link = lines.find((line) => line.includes('/set-up/')) ?? '';
      const page = await newPage();
      await page.goto(link);
      const code = codeOfUri(await readQrCode(page.locator('.qr')));
      await page.fill('main [name=username]', 'first-operator');
      await page.fill('main [name=password]', 'seven small green apples');
      await page.fill('main [name=code]', code);
      await Promise.all([page.waitForEvent('load'), press(page).catch(() => undefined)]);
      await at(page, 'recovery-codes');
      const again = await newPage();
      assert.equal((await again.goto(link))?.status(), 410);
      const { users } = await service.composed.services.inTransaction(async (stores) => ({
        users: await stores.users.countOperators(),
      }));
      assert.equal(users, 1);
      const person = { username: 'first-operator', password: 'seven small green apples' };
      await again.goto(`${service.issuer}/account`);
      await password(again, person);
      await at(again, 'one-time-code');
      await page.context().close();
      await again.context().close();
    });
  });
}
