import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Browser } from 'playwright-core';
import { newBrowser } from '../support/browser.ts';
import { faultsOf, openWindow, type Look } from '../support/page-inspection.ts';
import { samples } from '../support/sample-pages.ts';
import { startSampleServer } from '../support/sample-server.ts';

const looks: Look[] = ['en', 'de', 'ar'].flatMap((language) =>
  (['light', 'dark'] as const).flatMap((theme) => [320, 1280].map((width) => ({ language, theme, width }))),
);

describe('every page in every state', () => {
  let browser: Browser;
  let server: Awaited<ReturnType<typeof startSampleServer>>;
  before(async () => {
    server = await startSampleServer();
    browser = await newBrowser({ arabic: true });
  });
  after(async () => {
    await browser?.close();
    await server?.close();
  });

  for (const look of looks) {
    test(`holds to WCAG 2.2 AA and fits its window: ${look.language}, ${look.theme}, ${look.width} pixels`, async () => {
      const context = await openWindow(browser, look);
      const page = await context.newPage();
      const faults: string[] = [];
      for (const sample of samples) {
        const found = await faultsOf(page, server.origin, sample, look.language);
        faults.push(...found.map((fault) => `${sample.page} ${sample.state}: ${fault}`));
      }
      await context.close();
      assert.deepEqual(faults, []);
    });
  }
});
