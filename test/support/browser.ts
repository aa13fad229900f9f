import { execFile } from 'node:child_process';
import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { chromium, type Browser } from 'playwright-core';
import { withLock } from './lock.ts';
import { cacheFolder, projectFolder } from './paths.ts';
import { fetchDebianPackages } from './servers/debian-package.ts';

const run = promisify(execFile);

/** Places where a Chrome or Chromium that somebody installed lies. */
const installedPrograms = [
  '/usr/bin/google-chrome',
  '/usr/bin/google-chrome-stable',
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
];

/**
 * Starts a real Chromium: `$BROWSER_BIN`, an installed one, or the one that the package @sparticuz/chromium holds.
 * `arabic` brings an Arabic font where the packaged one is used, which has Latin letters only. The caller closes it.
 */
export async function newBrowser({ arabic = false } = {}): Promise<Browser> {
  const installed = process.env['BROWSER_BIN'] || installedPrograms.find((path) => existsSync(path));
  // The package's own `args` are never used: they switch the same-origin policy and other protections off.
  const common = { headless: true, args: ['--no-sandbox', '--headless=shell', '--disable-dev-shm-usage'] };
  if (installed) return chromium.launch({ ...common, executablePath: installed });
  const folder = await unpackChromium();
  const fonts = [join(folder, 'fonts')];
  if (arabic) {
    const fetched = await fetchDebianPackages('font-arabic', ['fonts-kacst-one']);
    if (fetched) fonts.push(join(fetched, 'usr', 'share', 'fonts'));
    else process.stderr.write('no Arabic font: install one, or set BROWSER_BIN to a Chrome that finds one\n');
  }
  return chromium.launch({
    ...common,
    executablePath: join(folder, 'chromium'),
    env: {
      ...process.env,
      LD_LIBRARY_PATH: [join(folder, 'al2023', 'lib'), process.env['LD_LIBRARY_PATH']].filter(Boolean).join(':'),
      FONTCONFIG_FILE: writeFontSettings(fonts),
    },
  });
}

/**
 * Unpacks the packaged Chromium once into `.cache`, under its final name only when it is complete. The package decides
 * by environment variables, read at import, what it unpacks (the system libraries too) and where: it gets them in a
 * process of its own, so that the tests' environment stays as it was.
 */
async function unpackChromium(): Promise<string> {
  const manifest = join(projectFolder, 'node_modules', '@sparticuz', 'chromium', 'package.json');
  const { version } = JSON.parse(readFileSync(manifest, 'utf8')) as { version: string };
  return withLock('chromium', async () => {
    const target = join(cacheFolder('chromium'), version);
    if (existsSync(target)) return target;
    rmSync(`${target}.partial`, { recursive: true, force: true });
    const partial = cacheFolder('chromium', `${version}.partial`);
    const script = `const { default: chromium } = await import('@sparticuz/chromium'); await chromium.executablePath();`;
    await run(process.execPath, ['--input-type=module', '-e', script], {
      cwd: projectFolder,
      env: { ...process.env, AWS_LAMBDA_JS_RUNTIME: 'nodejs24.x', TMPDIR: partial },
    });
    if (!existsSync(join(partial, 'chromium'))) throw new Error('@sparticuz/chromium unpacked no browser');
    renameSync(partial, target);
    return target;
  });
}

function writeFontSettings(folders: string[]): string {
  const file = join(cacheFolder('fonts'), `fonts-${folders.length}.conf`);
  const lines = [...folders, '/usr/share/fonts'].map((folder) => `  <dir>${folder}</dir>`);
  const text = `<?xml version="1.0"?>\n<!DOCTYPE fontconfig SYSTEM "fonts.dtd">\n<fontconfig>\n${lines.join('\n')}
  <cachedir>${cacheFolder('fonts', 'cache')}</cachedir>\n</fontconfig>\n`;
  writeFileSync(`${file}.${process.pid}`, text);
  renameSync(`${file}.${process.pid}`, file);
  return file;
}
