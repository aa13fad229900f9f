import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { Browser } from 'playwright-core';
import { newBrowser } from '../support/browser.ts';
import { signInInBrowser } from '../support/browser-sign-in.ts';
import { projectFolder } from '../support/paths.ts';
import { freePort } from '../support/servers/free-port.ts';
import { startService, type TestService } from '../support/service.ts';
import { testContext } from '../support/stores.ts';

describe('the Express sample, on express-openid-connect', () => {
  let service: TestService;
  let browser: Browser | undefined;
  let sample: { readonly address: string; stop(): Promise<void> } | undefined;
  before(async () => {
    service = await startService('servers');
    sample = await startSample(service);
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

async function startSample(service: TestService): Promise<{ readonly address: string; stop(): Promise<void> }> {
  const address = `http://localhost:${await freePort()}`;
  const secret = 'the secret of the Express sample, long enough';
  await service.composed.services.manageRelyingParties.apply(
    {
      client_id: 'express',
      client_secret: secret,
      client_name: 'Express sample',
      redirect_uris: [`${address}/callback`],
      post_logout_redirect_uris: [address],
    },
    'test',
    testContext,
  );
  const child = spawn(process.execPath, [join(projectFolder, 'examples', 'express', 'main.mjs')], {
    env: {
      ...process.env,
      ISSUER: service.issuer,
      BASE_URL: address,
      CLIENT_ID: 'express',
      CLIENT_SECRET: secret,
      COOKIE_SECRET: 'a cookie secret of the sample, long enough',
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await new Promise<void>((resolve, reject) => {
    child.stdout.on('data', (chunk: Buffer) => chunk.toString().includes('listening') && resolve());
    child.once('exit', (status) => reject(new Error(`the sample ended with ${status}`)));
  });
  return {
    address,
    async stop() {
      const ended = new Promise((resolve) => child.once('exit', resolve));
      child.kill();
      await ended;
    },
  };
}
