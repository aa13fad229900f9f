import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openApiDocument } from '../src/admin/api/openapi.ts';

const project = join(import.meta.dirname, '..');
const program = join(project, 'tools/openapi-client/node_modules/openapi-typescript/bin/cli.js');

/** The types of the tests' client, made from our document by openapi-typescript as anyone would. */
export function generatedFiles(): Record<string, string> {
  const folder = mkdtempSync(join(tmpdir(), 'twofold-types-'));
  try {
    const document = join(folder, 'document.json');
    const types = join(folder, 'types.ts');
    writeFileSync(document, JSON.stringify(openApiDocument()));
    execFileSync(process.execPath, [program, document, '-o', types], { stdio: 'pipe' });
    return { 'test/support/admin-api-types.ts': readFileSync(types, 'utf8') };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
