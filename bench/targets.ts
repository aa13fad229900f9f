import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from '../test/support/servers/free-port.ts';
import { send } from './http-client.ts';
import { discover, type Endpoints } from './relying-party.ts';

const project = join(import.meta.dirname, '..');

/** A provider under measurement: its addresses and the processes whose CPU it is charged for. */
export interface Target {
  name: string;
  endpoints: Endpoints;
  server: ChildProcess;
  /** Process ids of what it stores things in. */
  stores: number[];
}

export type Environment = Record<string, string>;

/** Starts the bare engine on its own Redis. */
export async function startBareEngine(redis: { url: string; pid: number }, shared: Environment): Promise<Target> {
  const port = await freePort();
  const file = join('bench', 'bare-engine', 'server.ts');
  const environment = { ...shared, PORT: String(port), REDIS_URL: redis.url };
  return startServer('bare engine', file, environment, `http://127.0.0.1:${port}`, [redis.pid]);
}

/** Starts the service as `settings` say; `PORT` and `ISSUER` are added. */
export async function startTwofold(settings: Environment, stores: number[]): Promise<Target> {
  const port = await freePort();
  const issuer = `http://127.0.0.1:${port}`;
  const environment = { ...settings, PORT: String(port), ISSUER: issuer };
  return startServer('Twofold', join('src', 'main.ts'), environment, issuer, stores);
}

/** Runs a command of the operator's command line with these settings; its input from `input`. */
export async function runCommand(words: string[], settings: Environment, input?: string): Promise<string> {
  const child = spawn(process.execPath, [join('bin', 'twofold.mjs'), ...words], {
    cwd: project,
    env: { ...inherited(), ...settings },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (output += chunk.toString()));
  child.stdin.end(input ?? '');
  const [status] = (await once(child, 'close')) as [number | null];
  if (status !== 0) throw new Error(`twofold ${words.join(' ')} ended with ${status}: ${output.slice(-2000)}`);
  return output;
}

/** Ends the server and waits for it. */
export async function stopTarget({ server }: Target): Promise<void> {
  if (server.exitCode !== null || server.signalCode !== null) return;
  const ended = once(server, 'exit');
  server.kill('SIGTERM');
  await ended;
}

async function startServer(
  name: string,
  file: string,
  environment: Environment,
  issuer: string,
  stores: number[],
): Promise<Target> {
  const server = spawn(process.execPath, [file], {
    cwd: project,
    env: { ...inherited(), ...environment },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let errors = '';
  server.stderr.on('data', (chunk: Buffer) => (errors = (errors + chunk.toString()).slice(-4000)));
  for (let attempt = 0; attempt < 300; attempt += 1) {
    if (server.exitCode !== null) throw new Error(`${name} ended with ${server.exitCode}: ${errors}`);
    const answer = await send(`${issuer}/.well-known/openid-configuration`).catch(() => undefined);
    if (answer?.status === 200) return { name, endpoints: await discover(issuer), server, stores };
    await sleep(100);
  }
  server.kill('SIGKILL');
  throw new Error(`${name} does not answer on ${issuer}: ${errors}`);
}

/** The settings of the shell that started the benchmark must not leak into what it measures. */
function inherited(): Environment {
  return { PATH: process.env['PATH'] ?? '', HOME: process.env['HOME'] ?? '', NODE_NO_WARNINGS: '1' };
}
