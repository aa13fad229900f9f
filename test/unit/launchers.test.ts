import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { projectFolder } from '../support/paths.ts';

let clone: string;

beforeEach(() => {
  clone = mkdtempSync(join(tmpdir(), 'twofold-clone-'));
  cpSync(join(projectFolder, 'bin'), join(clone, 'bin'), { recursive: true });
  mkdirSync(join(clone, 'src'));
  writeFileSync(join(clone, 'package.json'), '{ "type": "module" }');
  writeFileSync(
    join(clone, 'src', 'cli.ts'),
    `const words: string[] = process.argv.slice(2);
     console.log(JSON.stringify({ words, node: process.versions.node, threads: process.env['UV_THREADPOOL_SIZE'] }));
     process.exitCode = 7;`,
  );
});

afterEach(() => rmSync(clone, { recursive: true, force: true }));

/** Runs the clone's command line, as on a machine whose own Node has this version. */
function twofold(version: string, ...words: string[]): { status: number | null; stdout: string; stderr: string } {
  const disguise = `Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '${version}' } })`;
  const preload = ['--import', `data:text/javascript,${encodeURIComponent(disguise)}`];
  const program = join(clone, 'bin', 'twofold.mjs');
  return spawnSync(process.execPath, [...preload, program, ...words], { encoding: 'utf8' });
}

function install(): void {
  mkdirSync(join(clone, 'node_modules', 'oidc-provider'), { recursive: true });
}

function installNode(): void {
  mkdirSync(join(clone, 'node_modules', '.bin'), { recursive: true });
  symlinkSync(process.execPath, join(clone, 'node_modules', '.bin', 'node'));
}

test('says in one line that Node 20 is needed', () => {
  install();
  const { status, stderr } = twofold('18.20.0');
  assert.equal(status, 1);
  assert.match(stderr, /^Twofold needs Node 20 or later[^\n]*\n$/);
});

test('says in one line that the packages are not installed', () => {
  const { status, stderr } = twofold('24.0.0');
  assert.equal(status, 1);
  assert.match(stderr, /^The packages are not installed yet: run "npm ci" first\.\n$/);
});

test('runs the command on a Node that is new enough, with its words and threads to spare', () => {
  install();
  const { status, stdout } = twofold('24.0.0', 'users', 'list');
  assert.equal(status, 7);
  const seen = JSON.parse(stdout) as { words: string[]; node: string; threads: string };
  assert.deepEqual(seen.words, ['users', 'list']);
  assert.equal(seen.node, '24.0.0');
  assert.ok(Number(seen.threads) > 4);
});

test('runs the command again on the Node that npm ci brought where the own one is older, and ends as it ends', () => {
  install();
  installNode();
  const { status, stdout } = twofold('20.9.0', 'doctor', '--json');
  assert.equal(status, 7);
  const seen = JSON.parse(stdout) as { words: string[]; node: string };
  assert.deepEqual(seen.words, ['doctor', '--json']);
  assert.equal(seen.node, process.versions.node);
});

test('says in one line how to get Node 24 where npm ci could not bring it', () => {
  install();
  const { status, stderr } = twofold('20.9.0');
  assert.equal(status, 1);
  assert.match(stderr, /^Twofold runs on Node 24[^\n]*nodejs\.org[^\n]*\n$/);
});
