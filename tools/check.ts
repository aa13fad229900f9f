import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';

/**
 * `npm run check`: everything that can be told without running the service. All steps run, two at a time, and each
 * failure is printed whole, so that one run shows all there is to mend.
 */
const project = join(import.meta.dirname, '..');
const bin = (name: string): string => join(project, 'node_modules', '.bin', name);

interface Step {
  name: string;
  command: string;
  words: string[];
}

const steps: Step[] = [
  { name: 'types', command: bin('tsc'), words: ['--noEmit', '-p', '.'] },
  { name: 'lint', command: bin('oxlint'), words: ['--deny-warnings'] },
  {
    name: 'format',
    command: bin('prettier'),
    words: ['--check', '--cache', '--cache-location', '.cache/prettier.json', '--log-level', 'warn', '.'],
  },
  { name: 'structure', command: process.execPath, words: ['test/support/run.ts', 'test/structure'] },
  { name: 'generated files', command: process.execPath, words: ['tools/generate.ts', '--check'] },
];

function run({ name, command, words }: Step): Promise<boolean> {
  const started = performance.now();
  const child = spawn(command, words, { cwd: project, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (output += chunk.toString()));
  return new Promise((resolve) => {
    child.on('error', (error) => (output += `${error.message}\n`));
    child.on('close', (status) => {
      const seconds = ((performance.now() - started) / 1000).toFixed(1);
      if (status !== 0) process.stdout.write(`\n${output.trimEnd()}\n\n`);
      process.stdout.write(`${status === 0 ? 'ok    ' : 'FAILED'} ${name} (${seconds} s)\n`);
      resolve(status === 0);
    });
  });
}

const waiting = [...steps];
const results: boolean[] = [];
async function work(): Promise<void> {
  for (let step = waiting.shift(); step !== undefined; step = waiting.shift()) results.push(await run(step));
}
await Promise.all([work(), work()]);
const failures = results.filter((passed) => !passed).length;
process.stdout.write(failures === 0 ? 'check passed\n' : `check failed: ${failures} of ${steps.length} steps\n`);
process.exitCode = failures === 0 ? 0 : 1;
