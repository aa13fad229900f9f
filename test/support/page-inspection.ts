import { gzipSync } from 'node:zlib';
import { AxeBuilder } from '@axe-core/playwright';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { drawSample } from './sample-server.ts';
import type { Sample } from './sample-pages.ts';

export interface Look {
  readonly width: number;
  readonly theme: 'light' | 'dark';
  readonly language: string;
}

/** A window of this width and theme, whose pages may reach the samples' origin alone. */
export async function openWindow(browser: Browser, { width, theme }: Look): Promise<BrowserContext> {
  const height = width < 500 ? 640 : 900;
  const context = await browser.newContext({
    viewport: { width, height },
    colorScheme: theme,
    reducedMotion: 'reduce',
  });
  await context.addInitScript(noteWhenWhole);
  return context;
}

/** What is wrong with a page in one look: faults of accessibility, a page wider than its window, foreign requests. */
export async function faultsOf(page: Page, origin: string, sample: Sample, language: string): Promise<string[]> {
  const faults: string[] = [];
  const onRequest = (request: { url(): string }): void => {
    if (!request.url().startsWith(origin)) faults.push(`asks ${request.url()}`);
  };
  const onConsole = (message: { type(): string; text(): string }): void => {
    if (message.type() === 'error') faults.push(`console: ${message.text()}`);
  };
  page.on('request', onRequest);
  page.on('console', onConsole);
  await page.goto(`${origin}/${language}/${sample.page}/${sample.state}`);
  page.off('request', onRequest);
  page.off('console', onConsole);
  const { violations } = await new AxeBuilder({ page })
    .withTags(['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'])
    .analyze();
  for (const { id, nodes } of violations)
    faults.push(`${id}: ${nodes.map(({ target }) => target.join(' ')).join('; ')}`);
  const inner = page.viewportSize()?.width ?? 0;
  const wide = await page.evaluate<number>('document.documentElement.scrollWidth');
  if (wide > inner) faults.push(`${wide} pixels wide in a window of ${inner}`);
  const { moved, small, whole } = await page.evaluate<{ moved: string[]; small: string[]; whole: boolean }>(measure);
  if (!whole) faults.push('was never whole, so that nothing was measured');
  for (const what of moved) faults.push(`moves while it loads: ${what}`);
  for (const control of small) faults.push(`too small to be met by a finger: ${control}`);
  return faults;
}

/**
 * From the second frame after the last of the document was read: a slow machine may draw half of it first, and what the
 * rest then pushes about is not the page's doing. By the clock inside that frame: the time a frame is handed is when it
 * was due, which on a slow machine lies before the end of the frame before it.
 */
const noteWhenWhole = `
  window.wholeAt = Infinity;
  document.addEventListener('readystatechange', () => {
    if (document.readyState !== 'interactive') return;
    requestAnimationFrame(() => requestAnimationFrame(() => { window.wholeAt = performance.now(); }));
  });`;

/** What moved once the page was whole, and the controls that are less than 44 pixels high. */
const measure = `(async () => {
  const moved = await new Promise((resolve) => {
    const seen = [];
    new PerformanceObserver((list) => {
      for (const { startTime, value, sources } of list.getEntries()) {
        if (startTime < window.wholeAt) continue;
        const what = sources.map(({ node, previousRect, currentRect }) =>
          (node?.outerHTML ?? '').slice(0, 80) + ' from ' + previousRect.y + ' to ' + currentRect.y);
        seen.push(value + ', ' + (Math.round(startTime - window.wholeAt)) + ' ms after: ' + what.join('; '));
      }
    })
      .observe({ type: 'layout-shift', buffered: true });
    requestAnimationFrame(() => setTimeout(() => resolve(seen), 0));
  });
  const controls = document.querySelectorAll('button, .button, select, textarea, input:not([type=hidden], [type=checkbox], [type=radio])');
  const small = [...controls]
    .filter((control) => control.getClientRects().length > 0 && control.getBoundingClientRect().height < 43.5)
    .map((control) => control.outerHTML.slice(0, 80));
  return { moved, small, whole: Number.isFinite(window.wholeAt) };
})()`;

/** Bytes of a page as it goes over the wire: its HTML with the stylesheet and the script, compressed. */
export function weightOf(sample: Sample, assets: readonly Buffer[]): number {
  return [Buffer.from(drawSample(sample)), ...assets].reduce((sum, body) => sum + gzipSync(body).length, 0);
}
