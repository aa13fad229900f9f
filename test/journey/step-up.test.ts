import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { Browser, Page } from 'playwright-core';
import { newBrowser } from '../support/browser.ts';
import { projectFolder } from '../support/paths.ts';
import { startService, testClient, type TestPerson, type TestService } from '../support/service.ts';
import { testContext } from '../support/stores.ts';
import { freePort } from '../support/servers/free-port.ts';

describe('step-up and trusted browsers, in Chromium with the example of the guide', () => {
  let service: TestService;
  let browser: Browser;
  let bank: ChildProcess;
  let address: string;
  before(async () => {
    service = await startService('embedded');
    const port = await freePort();
    address = `http://localhost:${port}`;
    const { manageRelyingParties, managePolicies } = service.composed.services;
    const party = { client_id: 'bank', client_secret: testClient.secret, redirect_uris: [`${address}/callback`] };
    await manageRelyingParties.apply(party, 'test', testContext);
    await managePolicies.put('client:bank', { trusted_browser_days: 14 }, 'test', testContext);
    const env = { ...process.env, ISSUER: service.issuer, CLIENT_SECRET: testClient.secret, PORT: String(port) };
    bank = spawn(process.execPath, [join(projectFolder, 'examples', 'step-up', 'main.ts')], { env });
    assert.ok(bank.stdout);
    await once(bank.stdout, 'data');
    browser = await newBrowser();
  });
  after(async () => {
    bank.kill();
    await browser.close();
    await service.close();
  });

  async function typePassword(page: Page, person: TestPerson): Promise<void> {
    await page.getByRole('textbox', { name: /user name|email/i }).fill(person.username);
    await page.locator('input[name=password]').fill(person.password);
    await page.keyboard.press('Enter');
  }

  async function typeCode(page: Page, code: string): Promise<void> {
    await page.locator('input[name=code]').fill(code);
    await page.keyboard.press('Enter');
  }

  test('F15 E20 a trusted browser signs in without a code, and a transfer asks for one all the same', async () => {
    const person = await service.addPerson();
    const context = await browser.newContext();
    const page = await context.newPage();
    await page.goto(`${address}/sign-in`);
    await typePassword(page, person);
    await page.waitForSelector('body[data-page=one-time-code]');
    await page.getByRole('checkbox').check();
    await typeCode(page, person.code(-1));
    await page.waitForSelector('body[data-page=consent]');
    await page.getByRole('button').first().click();
    await page.waitForSelector('#balance');

    // The browser is closed over night: its session is gone, its trust is not.
    await context.clearCookies({ name: /twofold-session|bank/ });
    await page.goto(`${address}/sign-in`);
    await typePassword(page, person);
    await page.waitForURL(`${address}/**`);
    await page.waitForSelector('#balance');

    await page.getByRole('button', { name: 'Transfer 50' }).click();
    await page.waitForSelector('body[data-page=one-time-code]');
    assert.equal(await page.getByRole('checkbox').count(), 0, 'trust is not offered where it would not count');
    await typeCode(page, person.code(0));
    await page.getByRole('button', { name: 'Yes, transfer 50' }).click();
    assert.equal(await page.locator('#done').innerText(), 'Transferred.');
    await context.close();
  });

  test('E20 who proved both factors just now transfers at once; a stranger browser is asked for the code', async () => {
    const person = await service.addPerson();
    const context = await browser.newContext();
    const page = await context.newPage();
    await page.goto(`${address}/sign-in`);
    await typePassword(page, person);
    await page.waitForSelector('body[data-page=one-time-code]');
    await typeCode(page, person.code());
    await page.waitForSelector('body[data-page=consent]');
    await page.getByRole('button').first().click();
    await page.getByRole('button', { name: 'Transfer 50' }).click();
    assert.equal(await page.locator('#done').innerText(), 'Transferred.');
    await context.close();

    const other = await browser.newContext();
    const otherPage = await other.newPage();
    await otherPage.goto(`${address}/sign-in`);
    await typePassword(otherPage, person);
    await otherPage.waitForSelector('body[data-page=one-time-code]');
    assert.equal(await otherPage.locator('#balance').count(), 0);
    await other.close();
  });
});
