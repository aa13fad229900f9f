import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Browser, Page } from 'playwright-core';
import { newBrowser } from '../support/browser.ts';
import { addressOf } from '../support/forms.ts';
import { mailEnvironment, startMailServer, type MailServer, type ReceivedMail } from '../support/mail-server.ts';
import { startService, type TestPerson, type TestService } from '../support/service.ts';

let service: TestService;
let mail: MailServer;
let browser: Browser;
before(async () => {
  mail = await startMailServer();
  [service, browser] = await Promise.all([
    startService('embedded', { environment: mailEnvironment(mail) }),
    newBrowser(),
  ]);
});
after(async () => {
  await browser?.close();
  await service?.close();
  await mail?.close();
});

const pageName = (page: Page): Promise<string | null> => page.getAttribute('body', 'data-page');

async function press(page: Page): Promise<void> {
  await Promise.all([page.waitForEvent('load'), page.locator('main button[type=submit].button').first().click()]);
}

async function signIn(page: Page, person: TestPerson, password: string, offset: number): Promise<void> {
  await page.goto(`${service.issuer}/account`);
  assert.equal(await pageName(page), 'password');
  await page.fill('[name=login]', person.username);
  await page.fill('[name=password]', password);
  await press(page);
  assert.equal(await pageName(page), 'one-time-code');
  // Six digits send themselves where scripts run; here the form is sent as it stands without them.
  await page.fill('[name=code]', person.code(offset));
  await press(page);
}

/** A mail as a mail program shows it, without scripts; follows its link of this beginning. */
async function follow(page: Page, received: ReceivedMail, beginning: string): Promise<void> {
  await page.setContent(received.html);
  await Promise.all([page.waitForEvent('load'), page.locator(`a[href*="${beginning}"]`).first().click()]);
}

test('a person who forgot the password gets back in by a mail, and still needs the code; then locks it down', async () => {
  const person = await service.addPerson();
  const context = await browser.newContext({ javaScriptEnabled: false, locale: 'en-GB' });
  const page = await context.newPage();
  await page.goto(`${service.issuer}/account`);
  await page.click('text=Forgot your password?');
  assert.equal(await pageName(page), 'forgot-password');
  await page.fill('[name=login]', addressOf(person).toUpperCase());
  await press(page);
  assert.equal(await pageName(page), 'mail-link-sent');

  await follow(page, await mail.next(addressOf(person), 'Choose a new password'), '/reset-password/');
  assert.equal(await pageName(page), 'set-password');
  const password = 'seven small green apples';
  await page.fill('[name=password]', password);
  await press(page);
  assert.equal(await pageName(page), 'notice');
  await page.click('main a.button');
  assert.equal(await pageName(page), 'password');
  await signIn(page, person, password, 0);
  assert.equal(await pageName(page), 'account');

  const told = await mail.next(addressOf(person), 'A new browser signed in');
  const elsewhere = await (await browser.newContext({ javaScriptEnabled: false })).newPage();
  await follow(elsewhere, told, '/not-me/');
  assert.equal(await pageName(elsewhere), 'not-me');
  assert.equal(await elsewhere.locator('main button').count(), 1);
  await page.goto(`${service.issuer}/account`);
  assert.equal(await pageName(page), 'account', 'looking at the link did nothing');
  await press(elsewhere);
  assert.match(await elsewhere.locator('h1').innerText(), /locked down/);
  await page.goto(`${service.issuer}/account`);
  assert.equal(await pageName(page), 'password');

  await follow(elsewhere, await mail.next(addressOf(person), 'Your account is locked down'), '/reset-password/');
  const better = 'eight small red apples';
  await elsewhere.fill('[name=password]', better);
  await press(elsewhere);
  await signIn(elsewhere, person, better, 1);
  assert.equal(await pageName(elsewhere), 'account');
});
