import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { AxeBuilder } from '@axe-core/playwright';
import type { Browser, Page } from 'playwright-core';
import { addOperator } from '../support/admin-app.ts';
import { newBrowser } from '../support/browser.ts';
import { signInInBrowser } from '../support/browser-sign-in.ts';
import { startService, type TestService } from '../support/service.ts';

let service: TestService;
let browser: Browser;
before(async () => {
  service = await startService('embedded');
  browser = await newBrowser();
});
after(async () => {
  await browser.close();
  await service.close();
});

async function arrive(page: Page, name: string): Promise<void> {
  await page.waitForSelector(`body[data-page="${name}"]`);
  const { violations } = await new AxeBuilder({ page }).analyze();
  assert.deepEqual(
    violations.map(({ id }) => id),
    [],
    name,
  );
}

test('an operator helps somebody who lost the phone, in Chromium', async () => {
  const operator = await addOperator(service, 'operator');
  const person = await service.addPerson();
  const context = await browser.newContext({ locale: 'en-GB' });
  const page = await context.newPage();
  await page.goto(`${service.issuer}/admin`);
  await signInInBrowser(page, operator);
  await arrive(page, 'console-users');
  await page.fill('input[name=query]', person.username);
  await page.getByRole('button', { name: 'Find' }).click();
  await arrive(page, 'console-users');
  await page.locator('main .rows a').first().click();
  await arrive(page, 'console-user');
  await page.getByRole('link', { name: 'Reset the second factor' }).click();
  await arrive(page, 'console-act');
  assert.match(await page.locator('main').innerText(), new RegExp(person.username));
  await page.fill('input[name=reason]', 'Lost the phone, checked by a call');
  await page.getByRole('button', { name: 'Reset the second factor' }).click();
  await arrive(page, 'console-once');
  const link = await page.locator('#value').innerText();
  const visitor = await (await browser.newContext()).newPage();
  await visitor.goto(link);
  await visitor.waitForSelector('body[data-page="set-password"]');
  await page.getByRole('link', { name: 'Record' }).click();
  await arrive(page, 'console-audit');
  assert.match(await page.locator('main').innerText(), /second-factor\.reset/);
});
