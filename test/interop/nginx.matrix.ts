import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { Browser } from 'playwright-core';
import { newBrowser } from '../support/browser.ts';
import { signInInBrowser } from '../support/browser-sign-in.ts';
import { startExpressSample, type ExpressSample } from '../support/express-sample.ts';
import { projectFolder } from '../support/paths.ts';
import { fetchDebianPackages } from '../support/servers/debian-package.ts';
import { freePort } from '../support/servers/free-port.ts';
import { startService, type TestService } from '../support/service.ts';

describe('a site behind nginx, which asks the Express sample', () => {
  const folder = mkdtempSync(join(tmpdir(), 'twofold-nginx-'));
  let service: TestService;
  let sample: ExpressSample | undefined;
  let browser: Browser | undefined;
  let nginx: ChildProcess | undefined;
  let address = '';

  before(async () => {
    const root = await fetchDebianPackages('nginx', ['nginx']);
    assert.ok(root, 'no nginx: the Debian package could not be fetched');
    service = await startService('servers');
    const [port, samplePort] = [await freePort(), await freePort()];
    address = `http://localhost:${port}`;
    sample = await startExpressSample(service, address, samplePort);
    const written = readFileSync(join(projectFolder, 'examples', 'nginx', 'nginx.conf'), 'utf8');
    const text = written.replace(':8080', `:${port}`).replaceAll(':4000', `:${samplePort}`);
    const places = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
      (name) => `${name}_temp_path ${folder}/${name};`,
    );
    mkdirSync(join(folder, 'html'));
    for (const path of [folder, join(folder, 'html')]) chmodSync(path, 0o755);
    writeFileSync(join(folder, 'html', 'index.html'), '<!doctype html><title>Site</title><h1>The protected page</h1>');
    writeFileSync(join(folder, 'nginx.conf'), text.replace('http {', `http {\naccess_log off;\n${places.join('\n')}`));
    const options = ['-p', folder, '-c', 'nginx.conf', '-e', join(folder, 'error.log')];
    nginx = spawn(join(root, 'usr', 'sbin', 'nginx'), [...options, '-g', `daemon off; pid ${folder}/pid;`], {
      stdio: 'ignore',
    });
    browser = await newBrowser();
  });
  after(async () => {
    await browser?.close();
    if (nginx?.exitCode === null) {
      const ended = new Promise((done) => nginx?.once('exit', done));
      nginx.kill('SIGTERM');
      await ended;
    }
    await sample?.stop();
    await service?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  function said(): string {
    const file = join(folder, 'error.log');
    return existsSync(file) ? readFileSync(file, 'utf8') : '';
  }

  test('shows its pages to who signed in with two factors, and to nobody else', async () => {
    const person = await service.addPerson();
    for (;;) {
      assert.equal(nginx?.exitCode, null, said());
      if (
        await fetch(address, { redirect: 'manual' }).then(
          () => true,
          () => false,
        )
      )
        break;
      await new Promise((done) => setTimeout(done, 100));
    }
    const stranger = await fetch(address, { redirect: 'manual' });
    assert.equal(stranger.status, 302);
    assert.equal((await fetch(`${address}/authorized`)).status, 404);
    const page = await (browser as Browser).newPage();
    await page.goto(address);
    await signInInBrowser(page, person);
    await page.goto(address);
    await page
      .locator('h1:text("The protected page")')
      .waitFor({ timeout: 10_000 })
      .catch(() => assert.fail(said()));
    await page.close();
  });
});
