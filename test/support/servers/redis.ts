import { spawn } from 'node:child_process';
import { accessSync, constants, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { fetchDebianPackages } from './debian-package.ts';
import { freePort } from './free-port.ts';
import { guardServer, type Stop } from './guard.ts';

/** A Redis of our own: its URL, its process id, and its end. */
export interface RedisServer {
  url: string;
  pid: number;
  stop: Stop;
}

/**
 * Starts a throwaway Redis on a random loopback port, nothing on disk, with many logical databases, or with `special`
 * words in their place; a file among those is its configuration.
 */
export async function startRedis(special?: readonly string[]): Promise<RedisServer> {
  const { program, libraries } = await findProgram();
  const folder = mkdtempSync(join(tmpdir(), 'twofold-redis-'));
  const port = await freePort();
  const settings = ['--bind', '127.0.0.1', '--port', String(port), '--dir', folder];
  const ordinary = ['--save', '', '--appendonly', 'no', '--databases', '4096'];
  const words = special === undefined ? [...settings, ...ordinary] : [...special, ...settings];
  const child = spawn(program, words, {
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
    env: libraries === undefined ? process.env : { ...process.env, LD_LIBRARY_PATH: libraries },
  });
  let log = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => (log = (log + chunk.toString()).slice(-4000)));
    stream.on('error', () => {});
  }
  child.on('error', (error) => (log += error.message));
  if (child.pid === undefined) {
    rmSync(folder, { recursive: true, force: true });
    await sleep(0);
    throw new Error(`Redis could not be started: ${program}: ${log}`);
  }
  const stop = guardServer(child.pid, 'TERM', folder);
  const url = `redis://127.0.0.1:${port}`;
  try {
    await waitUntilItAnswers(url, () => child.exitCode !== null);
  } catch (error) {
    await stop();
    throw new Error(`Redis did not start: ${log}`, { cause: error });
  }
  child.unref();
  for (const stream of [child.stdout, child.stderr]) (stream as unknown as { unref(): void }).unref();
  return { url, pid: child.pid, stop };
}

async function findProgram(): Promise<{ program: string; libraries?: string }> {
  const given = process.env['REDIS_SERVER'];
  if (given) return { program: given };
  for (const name of ['redis-server', 'valkey-server']) {
    const program = onPath(name);
    if (program) return { program };
  }
  const root = await fetchDebianPackages('redis', ['redis-server', 'redis-tools']);
  if (root && existsSync(join(root, 'usr', 'bin', 'redis-server'))) {
    const machine = process.arch === 'arm64' ? 'aarch64' : 'x86_64';
    const libraries = join(root, 'usr', 'lib', `${machine}-linux-gnu`);
    return { program: join(root, 'usr', 'bin', 'redis-server'), libraries };
  }
  throw new Error(
    'no Redis for the tests: set TEST_REDIS_URL to one that may be flushed, set REDIS_SERVER to a redis-server ' +
      'program, or install one ("apt-get install redis-server", "brew install redis")',
  );
}

function onPath(name: string): string | null {
  for (const folder of (process.env['PATH'] ?? '').split(delimiter)) {
    const path = join(folder, name);
    try {
      accessSync(path, constants.X_OK);
      return path;
    } catch {
      // not in this folder
    }
  }
  return null;
}

async function waitUntilItAnswers(url: string, hasExited: () => boolean): Promise<void> {
  for (let attempt = 0; ; attempt += 1) {
    const client = new Redis(url, { lazyConnect: true, retryStrategy: () => null, maxRetriesPerRequest: 0 });
    client.on('error', () => {});
    try {
      await client.connect();
      await client.ping();
      return;
    } catch (error) {
      if (hasExited() || attempt >= 300) throw error;
      await sleep(50);
    } finally {
      client.disconnect();
    }
  }
}
