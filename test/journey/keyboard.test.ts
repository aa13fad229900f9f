import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Browser, Page } from 'playwright-core';
import { newBrowser } from '../support/browser.ts';
import { startService, type TestService } from '../support/service.ts';

describe('with the keyboard alone', () => {
  let service: TestService;
  let browser: Browser | undefined;
  before(async () => {
    service = await startService('embedded');
    browser = await newBrowser();
  });
  after(async () => {
    await browser?.close();
    await service?.close();
  });

  const at = (page: Page, name: string) => page.locator(`body[data-page="${name}"]`).waitFor();
  const focused = (page: Page) => page.evaluate<string>('document.activeElement?.getAttribute("name") ?? ""');
  /** Browsers give a page its focus a moment after it is there. */
  const hasFocus = (page: Page, name: string) =>
    page.waitForFunction(`document.activeElement?.getAttribute('name') === '${name}'`, undefined, { timeout: 10_000 });
  const focusedText = (page: Page) => page.evaluate<string>('document.activeElement?.textContent?.trim() ?? ""');

  for (const javaScriptEnabled of [true, false]) {
    test(`a person signs in, looks around and signs out, JavaScript ${javaScriptEnabled ? 'on' : 'off'}`, async () => {
      const person = await service.addPerson();
      const page = await (await (browser as Browser).newContext({ javaScriptEnabled: true })).newPage();
      // Script is turned off by not serving it: the test itself looks by script where the focus is.
      if (!javaScriptEnabled) await page.route('**/*.js', (route) => route.fulfill({ body: '' }));
      await page.goto(`${service.issuer}/account`);
      await at(page, 'password');
      await hasFocus(page, 'login');
      await page.keyboard.type(person.username);
      while ((await focused(page)) !== 'password') await page.keyboard.press('Tab');
      await page.keyboard.type(person.password);
      await page.keyboard.press('Enter');
      await at(page, 'one-time-code');
      await hasFocus(page, 'code');
      await page.keyboard.type('000000');
      if (!javaScriptEnabled) await page.keyboard.press('Enter');
      await page.locator('[role="alert"]').first().waitFor();
      await hasFocus(page, 'code');
      await page.keyboard.type(person.code());
      await page.keyboard.press('Enter');
      await at(page, 'account');
      await page.keyboard.press('Tab');
      const skip = await page.evaluate<string>('document.activeElement?.getAttribute("href") ?? ""');
      assert.equal(skip, '#main', 'the first stop leads past the menu');
      for (let stops = 0; (await focusedText(page)) !== 'Sign out'; stops += 1) {
        assert.ok(stops < 60, 'the way out is reached');
        await page.keyboard.press('Tab');
        const seen = await page.evaluate<boolean>('document.activeElement?.matches(":focus-visible") ?? false');
        assert.ok(seen, 'every stop shows that it is one');
      }
      await page.keyboard.press('Enter');
      await at(page, 'logged-out');
      await page.context().close();
    });
  }
});
