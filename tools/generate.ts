import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';

/**
 * `npm run generate` writes every committed file that is made from code; `--check` writes nothing and fails where one is
 * out of step. A generator is a module that exports `generatedFiles(): Record<path, text> | Promise<…>`, paths relative
 * to the project's folder.
 */
const project = join(import.meta.dirname, '..');
const generators = [
  'src/config/generated-files.ts',
  'tools/chart-schema.ts',
  'src/admin/api/generated-files.ts',
  'tools/admin-api-types.ts',
  'tools/command-line-page.ts',
];

interface Generator {
  generatedFiles(): Record<string, string> | Promise<Record<string, string>>;
}

const checkOnly = process.argv.includes('--check');
const stale: string[] = [];
for (const generator of generators) {
  const { generatedFiles } = (await import(pathToFileURL(join(project, generator)).href)) as Generator;
  for (const [path, text] of Object.entries(await generatedFiles())) {
    const file = join(project, path);
    if (existsSync(file) && readFileSync(file, 'utf8') === text) continue;
    stale.push(path);
    if (checkOnly) continue;
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
  }
}
for (const path of stale) process.stdout.write(`${checkOnly ? 'out of step with its source' : 'wrote'}: ${path}\n`);
if (checkOnly && stale.length > 0) {
  process.stdout.write('run "npm run generate" and commit what it writes\n');
  process.exitCode = 1;
}
