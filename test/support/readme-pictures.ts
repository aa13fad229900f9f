import { join } from 'node:path';
import { newBrowser } from './browser.ts';
import { projectFolder } from './paths.ts';
import { samples } from './sample-pages.ts';
import { startSampleServer } from './sample-server.ts';

/** `npm run pictures`: the pictures of the README, drawn anew from the samples under docs/pictures. */
const pictures = [
  { file: 'sign-in', page: 'password', state: 'empty', width: 460, theme: 'light' },
  { file: 'one-time-code', page: 'one-time-code', state: 'empty', width: 460, theme: 'light' },
  { file: 'enrolment', page: 'enrol', state: 'empty', width: 460, theme: 'light' },
  { file: 'recovery-codes', page: 'recovery-codes', state: 'full', width: 560, theme: 'light' },
  { file: 'consent', page: 'consent', state: 'empty', width: 460, theme: 'dark' },
  { file: 'account', page: 'account', state: 'full', width: 1100, theme: 'light' },
  { file: 'console-people', page: 'console-users', state: 'full', width: 1280, theme: 'light' },
  { file: 'console-person', page: 'console-user', state: 'full', width: 1280, theme: 'dark' },
] as const;

const server = await startSampleServer();
const browser = await newBrowser();
for (const { file, page: name, state, width, theme } of pictures) {
  if (!samples.some((sample) => sample.page === name && sample.state === state)) throw new Error(`no ${name} ${state}`);
  const context = await browser.newContext({ viewport: { width, height: 640 }, colorScheme: theme });
  const page = await context.newPage();
  await page.goto(`${server.origin}/en/${name}/${state}`);
  await page.screenshot({ path: join(projectFolder, 'docs', 'pictures', `${file}.png`), fullPage: true });
  await context.close();
}
await browser.close();
await server.close();
