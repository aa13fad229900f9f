import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Browser, Page } from 'playwright-core';
import { newBrowser } from '../support/browser.ts';
import { pkce } from '../support/protocol-client.ts';
import { startService, testClient, type TestService } from '../support/service.ts';
import { testContext } from '../support/stores.ts';

const payloads = [
  '<script>alert(1)</script>',
  '"><script>alert(1)</script>',
  "'><img src=x onerror=alert(1)>",
  '<svg/onload=alert(1)>',
  '" autofocus onfocus="alert(1)',
  "' autofocus onfocus='alert(1)",
  'javascript:alert(1)',
  '</title><script>alert(1)</script>',
  '</textarea><script>alert(1)</script>',
  '<iframe srcdoc="<script>alert(1)</script>">',
  '<base href=https://evil.example/>',
  '<meta http-equiv=refresh content="0;url=javascript:alert(1)">',
  '<form id=csrf><input name=action>',
  '{{constructor.constructor("alert(1)")()}}',
  '<%= alert(1) %>',
  '${alert(1)}',
  '&lt;script&gt;alert(1)&lt;/script&gt;',
  '\u2028alert(1)\u2029',
  '<math><mi xlink:href="javascript:alert(1)">',
  '<details open ontoggle=alert(1)>',
  '`-alert(1)-`',
  "';alert(1);//",
];

describe('hostile words in Chromium', () => {
  let service: TestService;
  let browser: Browser;
  before(async () => {
    [service, browser] = await Promise.all([startService('embedded'), newBrowser()]);
  });
  after(async () => {
    await browser?.close();
    await service?.close();
  });

  const addressOf = (more: Record<string, string>): string =>
    `${service.issuer}/auth?${new URLSearchParams({
      client_id: testClient.id,
      redirect_uri: testClient.redirectUri,
      response_type: 'code',
      scope: 'openid',
      ...pkce().parameters,
      ...more,
    }).toString()}`;

  async function newPage(onDialog: () => void, userAgent?: string): Promise<Page> {
    const context = await browser.newContext(userAgent === undefined ? {} : { userAgent });
    const page = await context.newPage();
    page.on('dialog', (dialog) => {
      onDialog();
      void dialog.dismiss();
    });
    return page;
  }

  test('G08 what others write into a request, a name of a client or a browser’s name runs nowhere', async () => {
    let ran = 0;
    const page = await newPage(() => (ran += 1));
    for (const payload of payloads) {
      await service.composed.services.manageRelyingParties.apply(
        {
          client_id: 'hostile',
          client_secret: testClient.secret,
          client_name: payload,
          redirect_uris: [testClient.redirectUri],
        },
        'test',
        testContext,
      );
      await page.goto(
        addressOf({
          client_id: 'hostile',
          login_hint: payload,
          state: payload,
          ui_locales: payload,
          claims_locales: payload,
        }),
      );
      await page.locator('body[data-page="password"]').waitFor();
      assert.equal(await page.locator('[onerror],[onload],[onfocus],[ontoggle],base,iframe').count(), 0, payload);
      await page.goto(addressOf({ client_id: payload, redirect_uri: payload, scope: payload }));
      await page.locator('body[data-page="error"]').waitFor();
    }
    const named = await newPage(() => (ran += 1), '<script>alert(1)</script>"><img src=x onerror=alert(1)>');
    await named.goto(`${service.issuer}/what-we-see`);
    assert.equal(await named.locator('[onerror]').count(), 0);
    assert.equal(ran, 0);
  });
});
