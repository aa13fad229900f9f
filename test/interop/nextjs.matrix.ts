import assert from 'node:assert/strict';
import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import type { Browser } from 'playwright-core';
import { newBrowser } from '../support/browser.ts';
import { signInInBrowser } from '../support/browser-sign-in.ts';
import { projectFolder } from '../support/paths.ts';
import { freePort } from '../support/servers/free-port.ts';
import { startService, type TestService } from '../support/service.ts';
import { testContext } from '../support/stores.ts';

describe('the Next.js sample, on Auth.js', () => {
  const folder = mkdtempSync(join(tmpdir(), 'twofold-nextjs-'));
  const secret = 'the secret of the Next.js client, long enough';
  let service: TestService;
  let browser: Browser | undefined;
  let sample: ChildProcess | undefined;
  let address = '';
  let said = '';

  before(async () => {
    cpSync(join(projectFolder, 'examples', 'nextjs'), folder, { recursive: true });
    service = await startService('servers');
    address = `http://localhost:${await freePort()}`;
    await service.composed.services.manageRelyingParties.apply(
      { client_id: 'next', client_secret: secret, redirect_uris: [`${address}/api/auth/callback/twofold`] },
      'test',
      testContext,
    );
    const env: NodeJS.ProcessEnv = {
      ...process.env,
      NEXT_TELEMETRY_DISABLED: '1',
      ISSUER: service.issuer,
      AUTH_URL: address,
      AUTH_SECRET: 'a secret of the sample, long enough',
      CLIENT_ID: 'next',
      CLIENT_SECRET: secret,
    };
    const run = promisify(execFile);
    await run('npm', ['ci', '--no-audit', '--no-fund'], { cwd: folder, env });
    const next = join(folder, 'node_modules', 'next', 'dist', 'bin', 'next');
    await run(process.execPath, [next, 'build'], { cwd: folder, env });
    sample = spawn(process.execPath, [next, 'start', '--port', new URL(address).port], { cwd: folder, env });
    for (const stream of [sample.stdout, sample.stderr])
      stream?.on('data', (chunk: Buffer) => (said += chunk.toString()));
    browser = await newBrowser();
  });
  after(async () => {
    await browser?.close();
    if (sample?.exitCode === null) {
      const ended = new Promise((done) => sample?.once('exit', done));
      sample.kill('SIGTERM');
      await ended;
    }
    await service?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  test('signs a person in with two factors and keeps what the ID token says', async () => {
    const person = await service.addPerson();
    const page = await (browser as Browser).newPage();
    for (;;) {
      assert.equal(sample?.exitCode, null, said);
      if (
        await fetch(address).then(
          ({ ok }) => ok,
          () => false,
        )
      )
        break;
      await new Promise((done) => setTimeout(done, 200));
    }
    await page.goto(address);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await signInInBrowser(page, person);
    const text = await page
      .locator('pre')
      .innerText({ timeout: 10_000 })
      .catch(() => assert.fail(said));
    const session = JSON.parse(text) as { sub: string; acr: string; amr: string[] };
    assert.equal(session.sub, person.id);
    assert.deepEqual(session.amr, ['pwd', 'otp', 'mfa']);
    await page.close();
  });

  test('is what the document shows', () => {
    const document = readFileSync(join(projectFolder, 'docs', 'connect-a-relying-party.md'), 'utf8');
    assert.ok(document.includes('](../examples/nextjs/auth.js)'));
    assert.ok(document.includes('](../examples/express/main.mjs)'));
  });
});
