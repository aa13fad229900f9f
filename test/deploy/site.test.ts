import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync, globSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { projectFolder } from '../support/paths.ts';

test('the documents make a site without a dead link, and its menu leads to every one of them', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'twofold-site-'));
  try {
    // A dead link ends the build.
    await promisify(execFile)('npx', ['vitepress', 'build', 'docs', '--outDir', folder], { cwd: projectFolder });
    const config = readFileSync(join(projectFolder, 'docs', '.vitepress', 'config.ts'), 'utf8');
    for (const page of globSync('docs/*.md', { cwd: projectFolder })) {
      const name = page.replace(/\.md$/, '');
      assert.ok(existsSync(join(folder, `${name}.html`)), page);
      assert.ok(config.includes(`'/${name}'`), `${page} is missing in the menu (docs/.vitepress/config.ts)`);
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
