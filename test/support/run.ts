import { spawnSync } from 'node:child_process';
import { globSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join, relative, resolve } from 'node:path';
import { projectFolder } from './paths.ts';

/**
 * The test command: `run.ts [--matrices] [options of node --test] [files or folders]`. Without files it runs every
 * `*.test.ts`; with `--matrices` the `*.matrix.ts` files too. PostgreSQL and Redis are started only when a chosen file
 * may use them, so that unit tests need no network.
 */
const givenOptions = process.argv.slice(2).filter((word) => word.startsWith('--'));
const givenFiles = process.argv.slice(2).filter((word) => !word.startsWith('--'));
const matrices = givenOptions.includes('--matrices');

const files = givenFiles.length > 0 ? givenFiles.flatMap(expand) : everything();
if (files.length === 0) {
  process.stderr.write(`no test file matches ${givenFiles.join(' ')}\n`);
  process.exit(1);
}
const needsServers = files.some((file) => !/^test\/(unit|structure)\//.test(file));
const support = (name: string): string => join(import.meta.dirname, name);
const result = spawnSync(
  process.execPath,
  [
    '--test',
    `--test-concurrency=${availableParallelism()}`,
    '--test-timeout=300000',
    `--test-reporter=${support('reporter.ts')}`,
    '--test-reporter-destination=stdout',
    ...(needsServers ? [`--test-global-setup=${support('global-setup.ts')}`] : []),
    ...givenOptions.filter((option) => option !== '--matrices'),
    ...files,
  ],
  { cwd: projectFolder, stdio: 'inherit' },
);
process.exitCode = result.status ?? 1;

function expand(name: string): string[] {
  const path = relative(projectFolder, resolve(name));
  if (/\.(test|matrix)\.ts$/.test(path)) return globSync(path, { cwd: projectFolder });
  return globSync(`${path}/**/*.test.ts`, { cwd: projectFolder }).sort();
}

function everything(): string[] {
  const pattern = matrices ? 'test/**/*.{test,matrix}.ts' : 'test/**/*.test.ts';
  return globSync(pattern, { cwd: projectFolder }).sort();
}
