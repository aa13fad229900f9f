import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import * as nodeModule from 'node:module';
import { availableParallelism } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

// Plain JavaScript that Node 20 understands: it runs before the right Node was found.

export const project = dirname(dirname(fileURLToPath(import.meta.url)));
const neededMajor = 24;

/**
 * Prepares this process for the service's modules: the right Node, installed packages, the compile cache, threads to
 * spare. Answers true where they can be imported here; otherwise the program `script` runs again on the Node 24 that
 * `npm ci` brought, with the same words, and this process only mirrors its end.
 */
export function runtimeIsReady(script) {
  const major = Number(process.versions.node.split('.')[0]);
  if (major < 20) return refuse(`Twofold needs Node 20 or later to set itself up; this is ${process.version}.`);
  if (!existsSync(join(project, 'node_modules', 'oidc-provider'))) {
    return refuse('The packages are not installed yet: run "npm ci" first.');
  }
  // Password hashing holds a thread of libuv's pool for as long as it takes; files and names need others.
  process.env.UV_THREADPOOL_SIZE ??= String(availableParallelism() + 6);
  if (major >= neededMajor) {
    nodeModule.enableCompileCache?.(compileCacheFolder());
    return true;
  }
  const node = join(project, 'node_modules', '.bin', 'node');
  if (!existsSync(node)) {
    return refuse(
      `Twofold runs on Node ${neededMajor}; this is ${process.version}. "npm ci" brings it on Linux with glibc ` +
        '(x64, arm64); elsewhere install it from https://nodejs.org.',
    );
  }
  mirror(spawn(node, [script, ...process.argv.slice(2)], { stdio: 'inherit' }));
  return false;
}

/** Passes signals on to a child process, and ends as it ends. */
export function mirror(child) {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  child.on('error', (error) => refuse(error.message));
  child.on('exit', (status, signal) => process.exit(status ?? (signal === 'SIGINT' ? 130 : 143)));
}

export function compileCacheFolder() {
  return process.env.NODE_COMPILE_CACHE ?? join(project, 'node_modules', '.cache', 'compile');
}

function refuse(message) {
  process.stderr.write(`${message}\n`);
  process.exitCode = 1;
  return false;
}
