import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Browser, Page } from 'playwright-core';
import { oneTimeCode, secretFromBase32, timeStepAt, type TotpParameters } from '../../src/domain/totp.ts';
import { newBrowser } from '../support/browser.ts';
import { readQrCode } from '../support/qr-code.ts';
import { startService, type TestPerson, type TestService } from '../support/service.ts';
import { TestClock } from '../support/test-clock.ts';

describe('a person keeps their account in Chromium', () => {
  let service: TestService;
  let browser: Browser;
  const clock = new TestClock(40_000);
  before(async () => {
    service = await startService('embedded', { clock, environment: { TWOFOLD_ACCOUNT_DELETION: 'true' } });
    browser = await newBrowser();
  });
  after(async () => {
    await browser.close();
    await service.close();
  });

  const on = (page: Page, name: string) => page.waitForSelector(`body[data-page="${name}"]`);
  const press = (page: Page, name: string | RegExp) => page.getByRole('button', { name }).first().click();
  const status = (page: Page) => page.getByRole('status').first().innerText();

  async function signIn(page: Page, person: TestPerson, javaScriptEnabled: boolean): Promise<void> {
    await on(page, 'password');
    await page.locator('input[name=login]').fill(person.username);
    await page.locator('input[name=password]').fill(person.password);
    await page.keyboard.press('Enter');
    await on(page, 'one-time-code');
    await page.locator('input[name=code]').fill(person.code());
    // With JavaScript the page sends itself at the sixth digit.
    if (!javaScriptEnabled) await page.keyboard.press('Enter');
  }
  async function section(page: Page, name: string): Promise<void> {
    await page.getByRole('navigation', { name: 'Sections of your account' }).getByRole('link', { name }).click();
  }
  for (const javaScriptEnabled of [true, false])
    test(`JavaScript ${javaScriptEnabled ? 'on' : 'off'}: from the overview through every section, to the end of the account`, async () => {
      const person = await service.addPerson();
      const context = await browser.newContext({ javaScriptEnabled, locale: 'en-GB' });
      const page = await context.newPage();
      const faults: string[] = [];
      page.on('console', (line) => void (line.type() === 'error' && faults.push(line.text())));
      page.on('pageerror', (error) => void faults.push(error.message));
      await page.goto(`${service.issuer}/account`);
      await signIn(page, person, javaScriptEnabled);
      await on(page, 'account');
      assert.match(await page.locator('main').innerText(), /Your account is protected/);

      // A second authenticator, scanned as a phone would.
      await section(page, 'Authenticators');
      await page.locator('main input[name=label]').first().fill('Tablet');
      await press(page, 'Add an authenticator');
      await on(page, 'add-authenticator');
      const uri = new URL(await readQrCode(page.locator('.qr')));
      const secret = secretFromBase32(uri.searchParams.get('secret') ?? '');
      assert.ok(secret);
      const tablet: TotpParameters = { secret, algorithm: 'SHA1', digits: 6, periodSeconds: 30 };
      const tabletCode = (): string => oneTimeCode(tablet, timeStepAt(clock.epochSeconds(), 30));
      await page.locator('input[name=code]').fill(tabletCode());
      if (!javaScriptEnabled) await page.keyboard.press('Enter');
      await on(page, 'new-recovery-codes');
      assert.equal(await page.locator('#codes li').count(), 10);
      await page.locator('input[name=saved]').check();
      await press(page, 'Continue');
      await on(page, 'account-recovery-codes');
      assert.match(await status(page), /in force/);

      // Late: renaming asks for a code once, and what was typed is not lost.
      clock.advance(301);
      await section(page, 'Authenticators');
      await page.locator('summary', { hasText: 'Rename' }).first().click();
      await page.locator('.inline-form input[name=label]').first().fill('Old phone');
      await press(page, 'Save');
      await on(page, 'confirm-change');
      await page.locator('main input[name=code]').fill('000000');
      await page.keyboard.press('Enter');
      assert.match(await page.getByRole('alert').first().innerText(), /code/i);
      await page.locator('main input[name=code]').fill(person.code());
      await page.keyboard.press('Enter');
      await on(page, 'authenticators');
      assert.match(await page.locator('main').innerText(), /Old phone/);

      // The old phone goes; its code is what proves it.
      await page.getByRole('link', { name: 'Remove Old phone' }).click();
      await on(page, 'remove-authenticator');
      clock.advance(30);
      await page.locator('main input[name=code]').fill(tabletCode());
      await page.keyboard.press('Enter');
      await on(page, 'authenticators');
      assert.match(await status(page), /removed/);

      await section(page, 'Profile');
      await page.locator('input[name=name]').fill('Ada Lovelace');
      await page.locator('input[name=zoneinfo]').fill('Europe/Nowhere');
      await press(page, 'Save');
      assert.match(await page.getByRole('alert').first().innerText(), /time zone/i);
      await page.locator('input[name=zoneinfo]').fill('Europe/London');
      await press(page, 'Save');
      await on(page, 'confirm-change');
      clock.advance(30);
      await page.locator('main input[name=code]').fill(tabletCode());
      await page.keyboard.press('Enter');
      await on(page, 'profile');
      assert.equal(await page.locator('input[name=zoneinfo]').inputValue(), 'Europe/London');

      await section(page, 'Sessions');
      assert.match(await page.locator('main').innerText(), /this browser/);
      await section(page, 'Activity');
      const happened = await page.locator('main').innerText();
      for (const words of ['Authenticator removed', 'Authenticator renamed', 'Profile changed', 'Signed in']) {
        assert.ok(happened.includes(words), words);
      }
      await page.getByRole('link', { name: /This was not me: Authenticator removed/ }).click();
      await on(page, 'not-me');
      await page.goBack();

      await section(page, 'Password');
      await page.locator('input[name=current_password]').fill(person.password);
      await page.locator('input[name=new_password]').fill('ein ganz anderes Pferd');
      clock.advance(30);
      await page.locator('main input[name=code]').fill(tabletCode());
      await press(page, 'Change my password');
      await on(page, 'account-password');
      assert.match(await status(page), /password is changed/i);

      await section(page, 'Your data');
      const [download] = await Promise.all([
        page.waitForEvent('download').catch(() => undefined),
        (async () => {
          await press(page, 'Download my data');
          await on(page, 'confirm-change');
          clock.advance(30);
          await page.locator('main input[name=code]').fill(tabletCode());
          await page.keyboard.press('Enter');
        })(),
      ]);
      assert.equal(download?.suggestedFilename(), 'account.json');

      await page.goto(`${service.issuer}/account/delete`);
      await page.locator('input[name=username]').fill(person.username);
      await page.locator('input[name=current_password]').fill('ein ganz anderes Pferd');
      clock.advance(30);
      await page.locator('main input[name=code]').fill(tabletCode());
      await press(page, 'Delete my account for good');
      await on(page, 'notice');
      await page.goto(`${service.issuer}/account`);
      await on(page, 'password');
      // 422 answers to wrong input are told by the console; anything else is ours.
      assert.deepEqual(
        faults.filter((line) => !/status of (422|4\d\d)/.test(line)),
        [],
      );
      await context.close();
    });
});
