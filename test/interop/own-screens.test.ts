import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { Browser } from 'playwright-core';
import { newBrowser } from '../support/browser.ts';
import { projectFolder } from '../support/paths.ts';
import { freePort } from '../support/servers/free-port.ts';
import { startService, testClient, type TestService } from '../support/service.ts';

describe('the sample with screens of its own, under the issuer’s origin', () => {
  let service: TestService;
  let browser: Browser | undefined;
  let sample: ChildProcess | undefined;
  let issuer = '';
  before(async () => {
    issuer = `http://localhost:${await freePort()}`;
    service = await startService('servers', { environment: { ISSUER: issuer, TRUSTED_PROXIES: '127.0.0.1' } });
    const started = spawn(process.execPath, [join(projectFolder, 'examples', 'own-screens', 'main.mjs')], {
      env: { ...process.env, ISSUER: issuer, SERVICE: service.issuer },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    sample = started;
    await new Promise<void>((resolve, reject) => {
      started.stdout.on('data', () => resolve());
      started.once('exit', (status) => reject(new Error(`the sample ended with ${status}`)));
    });
    browser = await newBrowser();
  });
  after(async () => {
    await browser?.close();
    if (sample?.exitCode === null) {
      const ended = new Promise((done) => sample?.once('exit', done));
      sample.kill();
      await ended;
    }
    await service?.close();
  });

  test('signs a person in over the steps as JSON, a wrong code told and tried again', async () => {
    const person = await service.addPerson();
    const page = await (browser as Browser).newPage();
    const query = new URLSearchParams({
      client_id: testClient.id,
      redirect_uri: testClient.redirectUri,
      response_type: 'code',
      scope: 'openid',
      code_challenge: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM',
      code_challenge_method: 'S256',
    });
    await page.goto(`${issuer}/auth?${query.toString()}`);
    await page.getByLabel('login').fill(person.username);
    await page.getByLabel('password').fill(person.password);
    await page.keyboard.press('Enter');
    await page.locator('body[data-page="one-time-code"]').waitFor();
    await page.getByLabel('code').fill('000000');
    await page.keyboard.press('Enter');
    await page.getByRole('alert').waitFor();
    await page.getByLabel('code').fill(person.code());
    await page.keyboard.press('Enter');
    // Nobody is there: that the browser is sent there is all that matters.
    const leads = page.waitForRequest((request) => request.url().startsWith(testClient.redirectUri));
    await page.getByRole('button', { name: 'allow' }).click();
    const answer = new URL((await leads).url()).searchParams;
    assert.ok(answer.get('code'));
    assert.equal(answer.get('iss'), issuer);
    await page.close();
  });
});
