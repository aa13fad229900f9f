import assert from 'node:assert/strict';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, describe, test } from 'node:test';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { newBrowser } from '../support/browser.ts';
import { pkce } from '../support/protocol-client.ts';
import { startService, testClient, type TestPerson, type TestService } from '../support/service.ts';
import { issuedTo, wrongCodes } from '../support/sign-in.ts';
import { testContext } from '../support/stores.ts';

describe('what other sites and a hand in the browser can do, in Chromium', () => {
  let service: TestService;
  let browser: Browser;
  let site: Server;
  /** The same site as the service (a host has one, whatever the port), and another. */
  let origins: { readonly same: string; readonly other: string };
  let html = '';
  const referrers: (string | undefined)[] = [];
  before(async () => {
    [service, browser] = await Promise.all([startService('embedded'), newBrowser()]);
    site = createServer((request, response) => {
      if (request.url === '/policy') referrers.push(request.headers.referer);
      response.setHeader('content-type', 'text/html').end(html);
    });
    await new Promise<void>((done) => site.listen(0, done));
    const { port } = site.address() as AddressInfo;
    origins = { same: `http://localhost:${port}`, other: `http://127.0.0.1:${port}` };
  });
  after(async () => {
    await browser?.close();
    site?.close();
    site?.closeAllConnections();
    await service?.close();
  });

  const at = (page: Page, name: string): Promise<void> => page.locator(`body[data-page="${name}"]`).waitFor();
  const addressOf = (more: Record<string, string> = {}): string =>
    `${service.issuer}/auth?${new URLSearchParams({
      client_id: testClient.id,
      redirect_uri: testClient.redirectUri,
      response_type: 'code',
      scope: 'openid',
      ...pkce().parameters,
      ...more,
    }).toString()}`;

  /** In this context, the person's right password was given: the code page stands there. */
  async function codePage(context: BrowserContext, person: TestPerson): Promise<Page> {
    const page = await context.newPage();
    await page.goto(addressOf());
    await at(page, 'password');
    await page.fill('input[name=login]', person.username);
    await page.fill('input[name=password]', person.password);
    await page.keyboard.press('Enter');
    await at(page, 'one-time-code');
    return page;
  }

  test('G02 no page lies in a frame of another site, nor of another origin of the same', async () => {
    const person = await service.addPerson();
    const half = await browser.newContext();
    const framed = [(await codePage(half, person)).url(), addressOf(), `${service.issuer}/device`];
    const full = await browser.newContext();
    const page = await full.newPage();
    await page.goto(addressOf({ prompt: 'consent' }));
    await signInInBrowserTo(page, person, 'consent');
    const signedIn = [page.url(), `${service.issuer}/account`, `${service.issuer}/account/authenticators`];
    for (const [context, addresses] of [
      [half, framed],
      [full, signedIn],
    ] as const) {
      for (const origin of [origins.same, origins.other]) {
        for (const address of addresses) {
          html = `<!doctype html><title>frame</title><iframe src="${address.replaceAll('&', '&amp;')}"></iframe>`;
          const outside = await context.newPage();
          const refused = outside.waitForEvent('console', (line) =>
            /frame-ancestors|X-Frame-Options/i.test(line.text()),
          );
          await outside.goto(origin);
          await refused;
          const [, frame] = outside.frames();
          assert.doesNotMatch(frame?.url() ?? '', /^http:\/\/localhost/, `${address} in ${origin}`);
          await outside.close();
        }
      }
    }
  });

  test('C05 an answer rewritten in the browser finishes nothing: what the service knows decides', async () => {
    const [person, other] = [await service.addPerson(), await service.addPerson()];
    // What success looks like: the answer to another person's right code.
    const theirs = await codePage(await browser.newContext(), other);
    const right = theirs.waitForResponse((response) => response.request().method() === 'POST');
    await theirs.fill('input[name=code]', other.code());
    const success = await right;
    assert.equal(success.status(), 303);
    const resume = (await success.headerValue('location')) ?? '';

    const context = await browser.newContext();
    const page = await codePage(context, person);
    const own = new URL(page.url()).pathname.split('/')[2] ?? '';
    const [wrong = ''] = wrongCodes(person, 1);
    await page.route('**/one-time-code', async (route) => {
      const answered = await route.fetch({ maxRedirects: 0 });
      assert.equal(answered.status(), 422);
      const body = `<!doctype html><title>done</title><p>Signed in.</p>`;
      await route.fulfill({ status: 200, contentType: 'text/html', body });
    });
    await page.fill('input[name=code]', wrong);
    await page.getByText('Signed in.').waitFor();
    // The success's own address, and the same for this sign-in: neither leads out with a code.
    for (const address of [resume, `/auth/${own}`]) {
      const answer = await context.request.get(new URL(address, service.issuer).href, { maxRedirects: 0 });
      assert.doesNotMatch(answer.headers()['location'] ?? '', /[?&]code=/);
    }
    const silent = await context.request.get(addressOf({ prompt: 'none' }), { maxRedirects: 0 });
    assert.match(silent.headers()['location'] ?? '', /error=(login|interaction)_required/);
    assert.deepEqual(await issuedTo(service, person), { sessions: 0, grants: 0 });
  });

  test('G07 G11 a link that leads out of the consent page carries no address, and hands no window over', async () => {
    const party = {
      client_id: 'linked',
      client_secret: testClient.secret,
      redirect_uris: [testClient.redirectUri],
      client_uri: 'https://rp.example',
      policy_uri: `${origins.other}/policy`,
    };
    await service.composed.services.manageRelyingParties.apply(party, 'test', testContext);
    const person = await service.addPerson();
    const context = await browser.newContext();
    const page = await context.newPage();
    await page.goto(addressOf({ client_id: 'linked', prompt: 'consent' }));
    await signInInBrowserTo(page, person, 'consent');
    html = '<!doctype html><title>policy</title><p id="opener"></p>';
    const link = page.locator('a[rel~=noreferrer]').first();
    const [target] = await Promise.all([
      // It opens where the page was, or in a window of its own: either way without a word of where it came from.
      Promise.race([context.waitForEvent('page'), page.waitForURL(/\/policy$/).then(() => page)]),
      link.click(),
    ]);
    await target.waitForLoadState();
    assert.deepEqual(referrers, [undefined]);
    assert.equal(await target.evaluate('window.opener'), null);
  });

  async function signInInBrowserTo(page: Page, person: TestPerson, name: string): Promise<void> {
    await at(page, 'password');
    await page.fill('input[name=login]', person.username);
    await page.fill('input[name=password]', person.password);
    await page.keyboard.press('Enter');
    await at(page, 'one-time-code');
    await page.fill('input[name=code]', person.code());
    await at(page, name);
  }
});
