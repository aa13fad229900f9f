import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { newBrowser } from './browser.ts';
import { projectFolder } from './paths.ts';
import { drawMail, mailKinds, sampleMail } from './sample-mails.ts';
import { samples } from './sample-pages.ts';
import { startSampleServer } from './sample-server.ts';

/**
 * `npm run gallery [-- --pages=password,enrol] [--widths=320,1280] [--themes=light] [--languages=en,ar]`: a picture of
 * every page in every state and of every mail (`--pages=mail`), in each theme and width, under `build/gallery/`, with a page to look at them all.
 */
const option = (name: string, standard: string): string[] =>
  (process.argv.find((word) => word.startsWith(`--${name}=`))?.split('=')[1] ?? standard).split(',').filter(Boolean);

const widths = option('widths', '320,768,1280').map(Number);
const themes = option('themes', 'light,dark') as ('light' | 'dark')[];
const languages = option('languages', 'en,ar');
const pages = option('pages', '');
const wanted = samples.filter(({ page }) => pages.length === 0 || pages.includes(page));
const wantedMails = pages.length === 0 || pages.includes('mail') ? mailKinds : [];
const folder = join(projectFolder, 'build', 'gallery');
if (pages.length === 0) rmSync(folder, { recursive: true, force: true });
mkdirSync(folder, { recursive: true });

const server = await startSampleServer();
const browser = await newBrowser({ arabic: languages.includes('ar') });
const rows: string[] = [];
let done = 0;
const total = (wanted.length + wantedMails.length) * languages.length * themes.length * widths.length;

async function take(page: Page, tag: string, theme: string, width: number): Promise<void> {
  for (const { page: name, state } of wanted) {
    await page.goto(`${server.origin}/${tag}/${name}/${state}`);
    await keep(page, name, state, `${tag}-${theme}-${width}`, width);
  }
  // What is put into a page stands under the policy of the one before it, and mails have styles of their own.
  await page.goto('about:blank');
  for (const kind of wantedMails) {
    await page.setContent(drawMail(sampleMail(kind, { locale: tag })).html);
    await keep(page, 'mail', kind, `${tag}-${theme}-${width}`, width);
  }
}

async function keep(page: Page, name: string, state: string, look: string, width: number): Promise<void> {
  const file = `${name}-${state}-${look}.png`;
  await page.screenshot({ path: join(folder, file), fullPage: true });
  rows.push(
    `<figure data-of="${name}"><a href="${file}"><img loading="lazy" src="${file}" width="${Math.round(width / 3)}" alt=""></a>` +
      `<figcaption>${name} · ${state}<br>${look}</figcaption></figure>`,
  );
  done += 1;
  if (done % 25 === 0) process.stdout.write(`${done} of ${total} pictures\n`);
}

for (const tag of languages) {
  for (const theme of themes) {
    for (const width of widths) {
      const context = await browser.newContext({
        viewport: { width, height: width < 500 ? 640 : 800 },
        colorScheme: theme,
      });
      const page = await context.newPage();
      await take(page, tag, theme, width);
      await context.close();
    }
  }
}
await browser.close();
await server.close();
writeFileSync(
  join(folder, 'index.html'),
  `<!doctype html><meta charset="utf-8"><title>Gallery</title><style>body{font:14px system-ui;background:#888;display:flex;flex-wrap:wrap;gap:16px;align-items:start}figure{margin:0;background:#fff;padding:8px}</style>\n${rows.join('\n')}\n`,
);
process.stdout.write(`${done} pictures: build/gallery/index.html\n`);
