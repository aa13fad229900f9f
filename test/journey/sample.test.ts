import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Browser, Page } from 'playwright-core';
import { newBrowser } from '../support/browser.ts';
import { startSampleRelyingParty, type SampleRelyingParty } from '../support/sample-relying-party.ts';
import { startService, type TestPerson, type TestService } from '../support/service.ts';

describe('the sample relying party, in Chromium', () => {
  let service: TestService;
  let browser: Browser;
  let sample: SampleRelyingParty;
  before(async () => {
    service = await startService('embedded');
    [browser, sample] = await Promise.all([newBrowser(), startSampleRelyingParty(service)]);
  });
  after(async () => {
    await browser?.close();
    await sample?.stop();
    await service?.close();
  });

  const at = (page: Page, name: string): Promise<void> => page.locator(`body[data-page="${name}"]`).waitFor();
  const atSample = (page: Page, title: string): Promise<void> => page.locator(`h1:text-is("${title}")`).waitFor();

  async function newPage(): Promise<Page> {
    return (await browser.newContext({ locale: 'en-GB', javaScriptEnabled: false })).newPage();
  }

  async function typeBoth(page: Page, person: TestPerson, code: string): Promise<void> {
    await at(page, 'password');
    const login = page.locator('main input[name=login]:not([readonly])');
    if (await login.isVisible()) await login.fill(person.username);
    await page.fill('main [name=password]', person.password);
    await page.keyboard.press('Enter');
    await at(page, 'one-time-code');
    await page.fill('main [name=code]', code);
    await page.keyboard.press('Enter');
  }

  test('who does not go on is told so in plain words, and may try again', async () => {
    const person = await service.addPerson();
    const page = await newPage();
    await page.goto(`${sample.address}/sign-in`);
    await at(page, 'password');
    const [cancelled] = await Promise.all([
      page.waitForResponse((response) => response.url().startsWith(`${sample.address}/callback`)),
      page.getByRole('button', { name: 'Cancel' }).click(),
    ]);
    assert.equal(cancelled.status(), 200);
    await atSample(page, 'You did not go on');
    await page.getByRole('link', { name: 'Try again' }).click();
    await typeBoth(page, person, person.code());
    await at(page, 'consent');
    await page.locator('button[value=deny]').click();
    await atSample(page, 'You did not go on');
    await page.context().close();
  });

  test('another error of the protocol is named, and is no fault of the sample', async () => {
    const page = await newPage();
    const answer = await page.goto(`${sample.address}/sign-in?acr_values=urn:nobody:knows`);
    assert.equal(answer?.status(), 400);
    assert.match(await page.locator('body').innerText(), /unmet_authentication_requirements/);
    await page.context().close();
  });

  test('consent is asked once, and again for a refresh token alone; a step-up asks for both factors anew', async () => {
    const person = await service.addPerson();
    const page = await newPage();
    await page.goto(`${sample.address}/sign-in`);
    await typeBoth(page, person, person.code(-1));
    await at(page, 'consent');
    await page.locator('button[value=allow]').click();
    await atSample(page, 'You are signed in');
    await page.goto(`${sample.address}/sign-in`);
    await atSample(page, 'You are signed in');
    assert.equal(await page.getByRole('button', { name: 'Refresh' }).count(), 0);

    await page.getByRole('link', { name: 'Ask for a refresh token' }).click();
    await at(page, 'consent');
    await page.locator('button[value=allow]').click();
    await page.getByRole('button', { name: 'Refresh' }).click();
    await atSample(page, 'You are signed in');

    await page.getByRole('link', { name: 'Step up' }).click();
    await typeBoth(page, person, person.code());
    await atSample(page, 'You are signed in');
    await page.context().close();
  });
});
