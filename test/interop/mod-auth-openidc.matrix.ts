import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { chmodSync, existsSync, globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { Browser } from 'playwright-core';
import { newBrowser } from '../support/browser.ts';
import { signInInBrowser } from '../support/browser-sign-in.ts';
import { projectFolder } from '../support/paths.ts';
import { fetchDebianPackages } from '../support/servers/debian-package.ts';
import { freePort } from '../support/servers/free-port.ts';
import { startService, type TestService } from '../support/service.ts';
import { testContext } from '../support/stores.ts';

/** With the libraries of their libraries, which the fetching does not follow. */
const packages = [
  'apache2-bin',
  'libapache2-mod-auth-openidc',
  'libcjose0',
  'libhiredis0.14',
  'libjansson4',
  'libapr1',
  'libaprutil1',
  'libcurl4',
  'libnghttp2-14',
  'librtmp1',
  'libssh2-1',
  'libpsl5',
  'libldap-2.5-0',
  'libsasl2-2',
  'liblua5.3-0',
  'libbrotli1',
  'libxml2',
  'libicu72',
];

describe('Apache with mod_auth_openidc', () => {
  const folder = mkdtempSync(join(tmpdir(), 'twofold-apache-'));
  const secret = 'the secret of the Apache client, long enough';
  let service: TestService;
  let browser: Browser | undefined;
  let apache: ChildProcess | undefined;
  let address = '';
  let log = '';

  before(async () => {
    const root = await fetchDebianPackages('apache', packages);
    assert.ok(root, 'no Apache: Debian packages could not be fetched');
    service = await startService('servers');
    const port = await freePort();
    address = `http://localhost:${port}`;
    await service.composed.services.manageRelyingParties.apply(
      { client_id: 'wiki', client_secret: secret, redirect_uris: [`${address}/callback`] },
      'test',
      testContext,
    );
    apache = startApache(root, port);
    browser = await newBrowser();
  });
  after(async () => {
    await browser?.close();
    if (apache !== undefined && apache.exitCode === null) {
      const ended = new Promise((done) => apache?.once('exit', done));
      apache.kill('SIGTERM');
      await ended;
    }
    await service?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  /** What Apache said, and what it wrote. */
  function said(): string {
    const file = join(folder, 'error.log');
    return log + (existsSync(file) ? readFileSync(file, 'utf8') : '');
  }

  function startApache(root: string, port: number): ChildProcess {
    // The lines of the document, at the addresses of this test: what people copy is what is tried.
    const document = readFileSync(join(projectFolder, 'docs', 'connect-a-relying-party.md'), 'utf8');
    const written = /```apache\n([\s\S]*?)```/.exec(document)?.[1] ?? '';
    assert.match(written, /AuthType openid-connect/);
    const directives = written
      .replaceAll('https://id.example.com', service.issuer)
      .replaceAll('https://wiki.example.com', address)
      .replaceAll('${CLIENT_SECRET}', `"${secret}"`)
      .replaceAll('${COOKIE_SECRET}', '"a passphrase of the test, long enough"');
    const modules = join(root, 'usr', 'lib', 'apache2', 'modules');
    const names = ['mpm_event', 'unixd', 'authn_core', 'authz_core', 'authz_user', 'dir', 'headers', 'auth_openidc'];
    const pages = join(folder, 'pages');
    mkdirSync(pages);
    writeFileSync(
      join(pages, 'index.html'),
      '<!doctype html><meta charset="utf-8"><title>Wiki</title><h1>The protected page</h1>',
    );
    for (const path of [folder, pages]) chmodSync(path, 0o755);
    const settings = join(folder, 'apache.conf');
    writeFileSync(
      settings,
      [
        `ServerRoot "${folder}"`,
        `ServerName localhost`,
        `Listen 127.0.0.1:${port}`,
        `PidFile "${folder}/pid"`,
        `ErrorLog "${join(folder, 'error.log')}"`,
        `Mutex file:${folder}`,
        ...(process.getuid?.() === 0 ? ['User nobody', 'Group nogroup'] : []),
        ...names
          .filter((name) => existsSync(join(modules, `mod_${name}.so`)))
          .map((name) => `LoadModule ${name}_module "${modules}/mod_${name}.so"`),
        `DocumentRoot "${pages}"`,
        'DirectoryIndex index.html',
        directives,
      ].join('\n'),
    );
    const libraries = globSync('{usr/lib,lib}/*-linux-gnu', { cwd: root }).map((path) => join(root, path));
    const child = spawn(join(root, 'usr', 'sbin', 'apache2'), ['-f', settings, '-D', 'FOREGROUND'], {
      env: { ...process.env, LD_LIBRARY_PATH: libraries.join(':') },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (log += chunk.toString()));
    return child;
  }

  test('protects a page: who signs in with two factors sees it', async () => {
    const person = await service.addPerson();
    const page = await (browser as Browser).newPage();
    for (;;) {
      assert.equal(apache?.exitCode, null, said());
      if (
        await fetch(address, { redirect: 'manual' }).then(
          () => true,
          () => false,
        )
      )
        break;
      await new Promise((done) => setTimeout(done, 100));
    }
    await page.goto(address);
    await signInInBrowser(page, person);
    await page
      .locator('h1:text("The protected page")')
      .waitFor({ timeout: 10_000 })
      .catch(() => assert.fail(said()));
    await page.close();
  });
});
