import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Browser } from 'playwright-core';
import { newBrowser } from '../support/browser.ts';
import { signInInBrowser } from '../support/browser-sign-in.ts';
import { startExpressSample, type ExpressSample } from '../support/express-sample.ts';
import { startService, type TestService } from '../support/service.ts';

describe('the Express sample, on express-openid-connect', () => {
  let service: TestService;
  let browser: Browser | undefined;
  let sample: ExpressSample | undefined;
  before(async () => {
    service = await startService('servers');
    sample = await startExpressSample(service);
    browser = await newBrowser();
  });
  after(async () => {
    await browser?.close();
    await sample?.stop();
    await service.close();
  });

  test('signs a person in with two factors and reads what the ID token says of them', async () => {
    assert.ok(browser && sample);
    const person = await service.addPerson();
    const page = await browser.newPage();
    await page.goto(`${sample.address}/login`);
    await signInInBrowser(page, person);
    await page.goto(`${sample.address}/profile`);
    const profile = JSON.parse(await page.locator('body').innerText()) as Record<string, unknown>;
    assert.equal((profile['user'] as { sub: string }).sub, person.id);
    assert.equal(profile['acr'], 'urn:twofold:acr:2fa');
    assert.deepEqual(profile['amr'], ['pwd', 'otp', 'mfa']);
    await page.close();
  });
});
