import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { Browser, BrowserContext } from 'playwright-core';
import { newBrowser } from '../support/browser.ts';
import { faultsOf, openWindow, weightOf } from '../support/page-inspection.ts';
import { projectFolder } from '../support/paths.ts';
import { samples } from '../support/sample-pages.ts';
import { drawSample, startSampleServer } from '../support/sample-server.ts';

/** Each page once, in its fullest state; every state, theme, width and language is in the matrix. */
const once = [...new Map(samples.map((sample) => [sample.page, sample])).values()];
const asset = (name: string): Buffer => readFileSync(join(projectFolder, 'views', 'static', name));

describe('every page', () => {
  let browser: Browser;
  let context: BrowserContext;
  let server: Awaited<ReturnType<typeof startSampleServer>>;
  before(async () => {
    server = await startSampleServer();
    browser = await newBrowser();
    context = await openWindow(browser, { width: 320, theme: 'light', language: 'en' });
  });
  after(async () => {
    await browser?.close();
    await server?.close();
  });

  for (const sample of once) {
    test(`${sample.page} holds to WCAG 2.2 AA, fits a narrow phone, and asks nobody else for anything`, async () => {
      const page = await context.newPage();
      assert.deepEqual(await faultsOf(page, server.origin, sample, 'en'), []);
      await page.close();
    });
  }

  test('the number of a step stands beside its heading, not on it', async () => {
    const page = await context.newPage();
    for (const sample of once.filter(({ page: name }) => ['enrol', 'console-report'].includes(name))) {
      await page.goto(`${server.origin}/en/${sample.page}/${sample.state}`);
      const steps = await page.evaluate<{ beside: number; below: number }[]>(`
        [...document.querySelectorAll('.steps > li')].map((step) => {
          const heading = step.querySelector('h2, h3');
          const [outer, inner] = [step, heading].map((one) => parseFloat(getComputedStyle(one).paddingInlineStart));
          return { beside: outer + inner, below: heading.getBoundingClientRect().top - step.getBoundingClientRect().top };
        })`);
      assert.ok(steps.length > 2, sample.page);
      for (const { beside, below } of steps) assert.ok(beside >= 32 && below < 1, sample.page);
    }
    await page.close();
  });

  test('weighs less than 30 KB in all, compressed', () => {
    const assets = [asset('twofold.css'), asset('twofold.js')];
    for (const sample of samples) {
      const weight = weightOf(sample, assets);
      assert.ok(weight < 30 * 1024, `${sample.page} ${sample.state}: ${weight} bytes`);
    }
  });

  test('names itself, has one heading of the first rank, and its main button first', () => {
    for (const sample of samples) {
      const html = drawSample(sample);
      assert.match(html, new RegExp(`<body[^>]* data-page="${sample.page}"`), sample.page);
      assert.equal(html.match(/<h1[\s>]/g)?.length, 1, `${sample.page} ${sample.state}`);
    }
  });

  test('H13 E24 what others write stands there as text', () => {
    for (const sample of samples)
      assert.doesNotMatch(drawSample(sample), /<b>Twofold<\/b>|<script(?![^>]* src=)/, sample.page);
  });
});
