import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Browser, Page } from 'playwright-core';
import { newBytes } from '../../src/crypto/random.ts';
import { newBrowser } from '../support/browser.ts';
import { pageName, signInInBrowser } from '../support/browser-sign-in.ts';
import { freshDatabase } from '../support/database.ts';
import { addParty } from '../support/policy-parties.ts';
import { freshRedisUrl } from '../support/redis.ts';
import { runJson } from '../support/run-command.ts';
import { freePort, startService, testClient, type TestPerson, type TestService } from '../support/service.ts';
import { TestClock } from '../support/test-clock.ts';

const day = 86_400;

describe('a second factor over time, in Chromium', () => {
  let browser: Browser;
  before(async () => {
    browser = await newBrowser();
  });
  after(() => browser.close());

  const newPage = async (): Promise<Page> => (await browser.newContext({ locale: 'en-GB' })).newPage();
  const at = (page: Page, name: string): Promise<void> => page.locator(`body[data-page="${name}"]`).waitFor();

  async function typePassword(page: Page, person: TestPerson): Promise<void> {
    await at(page, 'password');
    await page.fill('input[name=login]', person.username);
    await page.fill('input[name=password]', person.password);
    await page.locator('main form button[type=submit], main form button:not([type])').first().click();
  }

  async function codePage(service: TestService, person: TestPerson): Promise<Page> {
    const page = await newPage();
    await page.goto(`${service.issuer}/account`);
    await typePassword(page, person);
    await at(page, 'one-time-code');
    return page;
  }

  /** Six digits send the page where nothing was wrong before; else Enter does. Waits for the answer to just that. */
  async function typeCode(page: Page, code: string): Promise<void> {
    const answered = page.waitForResponse((response) => response.request().method() === 'POST');
    await page.fill('input[name=code]', code);
    await page.keyboard.press('Enter').catch(() => undefined);
    await answered;
    await page.waitForLoadState();
  }

  test('a slow phone is followed, a step a sign-in; one that is minutes off is told so and never let in', async () => {
    const clock = new TestClock();
    const service = await startService('embedded', { clock });
    try {
      const person = await service.addPerson();
      // The phone falls behind by half a minute a month: each sign-in is one step later than the one before.
      for (const behind of [-1, -2, -3]) {
        const page = await codePage(service, person);
        await typeCode(page, person.code(behind));
        await at(page, 'account');
        clock.advance(120);
      }
      const other = await service.addPerson();
      const page = await codePage(service, other);
      await typeCode(page, other.code(-10));
      assert.equal(await pageName(page), 'one-time-code');
      assert.match(await page.locator('main').innerText(), /clock is about 5 minutes behind/);
      await typeCode(page, other.code());
      await at(page, 'account');
    } finally {
      await service.close();
    }
  });

  test('C11 enrolment is put off until the day the page names, and then no more', async () => {
    const clock = new TestClock(20 * day);
    const environment = { TWOFOLD_SECOND_FACTOR: 'optional' };
    const service = await startService('embedded', { clock, environment });
    try {
      await addParty(service, 'graced', {}, { second_factor: 'required', grace_days: 7 });
      const person = await service.addPerson({ withoutFactor: true });
      const query = new URLSearchParams({
        client_id: 'graced',
        redirect_uri: testClient.redirectUri,
        response_type: 'code',
        scope: 'openid',
        code_challenge: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM',
        code_challenge_method: 'S256',
      });
      const enrolPage = async (): Promise<Page> => {
        const page = await newPage();
        await page.goto(`${service.issuer}/auth?${query.toString()}`);
        await typePassword(page, person);
        await at(page, 'enrol');
        return page;
      };
      const early = await enrolPage();
      const until = new Date(clock.epochMilliseconds() + 7 * day * 1000);
      const named = await early.locator('main').innerText();
      assert.match(
        named,
        new RegExp(`\\b${until.getUTCDate()}, ${until.getUTCFullYear()} on you cannot sign in without`),
        'the page names the day',
      );
      await early.getByRole('button', { name: 'Not now' }).click();
      await at(early, 'consent');
      // Nobody answers there, and the browser asks all the same.
      const back = early.waitForRequest(/^https:\/\/rp\.example\/callback\?.*code=/);
      await early.locator('main form button').first().click();
      await back;
      clock.advance(8 * day);
      const late = await enrolPage();
      assert.equal(await late.getByRole('button', { name: 'Not now' }).count(), 0);
    } finally {
      await service.close();
    }
  });

  test('L22 a person at the code page while the key is rotated goes on, and the old key is needed no more', async () => {
    const database = await freshDatabase();
    const newKey = (id: string): string => `${id}:${newBytes(32).toString('base64')}`;
    const [k1, k2] = [newKey('k1'), newKey('k2')];
    const shared = {
      DATABASE_URL: database.url,
      REDIS_URL: await freshRedisUrl(),
      COOKIE_KEYS: newBytes(32).toString('base64url'),
      PORT: String(await freePort()),
      TWOFOLD_KEY_ROLLOUT_SECONDS: '0',
    };
    let service = await startService('servers', { environment: { ...shared, ENCRYPTION_KEYS: k1 } });
    try {
      const person = await service.addPerson();
      const page = await codePage(service, person);
      await service.close();
      service = await startService('servers', { environment: { ...shared, ENCRYPTION_KEYS: `${k2},${k1}` } });
      const { services } = service.composed;
      await services.encryptionKeys.sealWithFirst();
      await services.encryptionKeys.reseal();
      await services.encryptionKeys.reseal();
      await typeCode(page, person.code());
      await at(page, 'account');
      const [first, second] = await runJson<{ id: string; rows: object }>(services, 'secrets status');
      assert.equal(first?.id, 'k2');
      assert.deepEqual([second?.id, second?.rows], ['k1', {}]);
      await service.close();

      service = await startService('servers', { environment: { ...shared, ENCRYPTION_KEYS: k2 } });
      const again = await newPage();
      await again.goto(`${service.issuer}/account`);
      const later = { ...person, code: () => person.code(1) };
      await signInInBrowser(again, later);
      await at(again, 'account');
    } finally {
      await service.close();
      await database.drop();
    }
  });
});
