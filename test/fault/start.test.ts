import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { newToken } from '../../src/crypto/random.ts';
import { projectFolder } from '../support/paths.ts';
import { freePort } from '../support/servers/free-port.ts';

const folder = mkdtempSync(join(tmpdir(), 'twofold-start-'));
const children: ChildProcess[] = [];
after(async () => {
  for (const child of children) child.kill('SIGKILL');
  await rm(folder, { recursive: true, force: true });
});

interface Started {
  readonly child: ChildProcess;
  said(): string;
  readonly ended: Promise<number | null>;
}

function start(environment: Record<string, string>, program = 'src/main.ts'): Started {
  const { PATH = '', HOME = '' } = process.env;
  const child = spawn(process.execPath, [join(projectFolder, program)], {
    cwd: folder,
    env: { PATH, HOME, LOG_LEVEL: 'silent', ...environment },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  children.push(child);
  let text = '';
  child.stderr?.on('data', (chunk: Buffer) => (text += chunk.toString()));
  return { child, said: () => text, ended: new Promise((resolve) => child.once('close', resolve)) };
}

async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  for (let tried = 0; tried < 600; tried += 1) {
    if (await condition()) return;
    await new Promise((done) => setTimeout(done, 50));
  }
  assert.fail('it did not come to that within 30 seconds');
}

test('bad settings are all told at once, those of the file as well, and end the process with status 78', async () => {
  const file = join(folder, 'settings.yaml');
  writeFileSync(file, 'second_factor:\n  window: 7\nserver:\n  nonsense: 1\n');
  const { ended, said } = start({
    PORT: 'eighty',
    ISSUER: 'not a URL',
    TWOFOLD_NONSENSE: 'a-mistyped-secret',
    TWOFOLD_CONFIG: file,
  });
  assert.equal(await ended, 78);
  assert.doesNotMatch(said(), /a-mistyped-secret/, 'what is mistyped may be a secret');
  for (const name of ['PORT: ', 'ISSUER: ', 'TWOFOLD_NONSENSE: ', 'TWOFOLD_CODE_WINDOW: ', 'server.nonsense']) {
    assert.ok(said().includes(name), `${name} in ${said()}`);
  }
});

test('N06 a secret that everybody on the machine can read is refused, wherever it stands', async () => {
  const secret = join(folder, 'cookie-keys');
  writeFileSync(secret, newToken(), { mode: 0o644 });
  const config = join(folder, 'with-secret.yaml');
  writeFileSync(config, `keys:\n  cookies: ${newToken()}\n`, { mode: 0o644 });
  const both = start({ COOKIE_KEYS_FILE: secret });
  assert.equal(await both.ended, 78);
  assert.match(both.said(), /COOKIE_KEYS_FILE: holds a secret and can be read by everybody: run chmod o-r/);
  const file = start({ TWOFOLD_CONFIG: config });
  assert.equal(await file.ended, 78);
  assert.match(file.said(), /TWOFOLD_CONFIG: holds a secret and can be read by everybody/);
  // What only its owner and group can read is taken; the next fault is another's.
  chmodSync(secret, 0o640);
  const closed = start({ COOKIE_KEYS_FILE: secret, PORT: 'eighty' });
  assert.equal(await closed.ended, 78);
  assert.doesNotMatch(closed.said(), /COOKIE_KEYS/);
});

test('a settings file that is missing or garbled is one clear line, and status 78', async () => {
  const garbled = join(folder, 'garbled.yaml');
  writeFileSync(garbled, 'server: [\n  "never closed\n');
  const list = join(folder, 'list.yaml');
  writeFileSync(list, '- port\n- 80\n');
  for (const path of [join(folder, 'absent.yaml'), garbled, list]) {
    const { ended, said } = start({ TWOFOLD_CONFIG: path });
    assert.equal(await ended, 78, said());
    assert.match(said().trim(), /^TWOFOLD_CONFIG: [^\n]+$/);
  }
});

test('a database that does not answer is waited for, and said so', async () => {
  const { child, ended, said } = start({
    DATABASE_URL: `postgres://nobody@127.0.0.1:${await freePort()}/none`,
    REDIS_URL: 'redis://127.0.0.1:1',
    ENCRYPTION_KEYS: `k1:${Buffer.alloc(32, 1).toString('base64')}`,
    COOKIE_KEYS: 'k'.repeat(48),
  });
  await until(() => said().includes('Waiting for the database'));
  assert.equal(child.exitCode, null);
  child.kill('SIGKILL');
  await ended;
});

test('N04 of two processes on one data folder the second is refused; after kill -9 the next finds its data', async () => {
  const port = await freePort();
  const data = join(folder, 'data');
  const environment = { PORT: String(port), ISSUER: `http://localhost:${port}`, TWOFOLD_DATA_DIR: data };
  const alive = (): Promise<boolean> =>
    fetch(`http://localhost:${port}/readyz`).then(
      ({ ok }) => ok,
      () => false,
    );
  const keysOf = async (): Promise<string> => (await fetch(`http://localhost:${port}/jwks`)).text();
  const first = start(environment);
  await until(alive);
  const keys = await keysOf();
  const second = start({ ...environment, PORT: String(await freePort()) });
  assert.notEqual(await second.ended, 0);
  assert.match(second.said(), /used by|another process|in use|already/i);
  first.child.kill('SIGKILL');
  await first.ended;
  const third = start(environment);
  await until(alive);
  assert.equal(await keysOf(), keys, 'the signing keys are those of before');
  third.child.kill('SIGTERM');
  assert.equal(await third.ended, 0);
});

test('a port that is taken is one clear line that names the setting, and ends the process', async () => {
  const other = createServer().listen(0, '127.0.0.1');
  await once(other, 'listening');
  const port = String((other.address() as AddressInfo).port);
  const data = join(folder, 'taken');
  const { ended, said } = start({ PORT: port, TWOFOLD_DATA_DIR: data });
  assert.equal(await ended, 1);
  assert.match(lastLine(said()), new RegExp(`^PORT: port ${port} on 127\\.0\\.0\\.1 is taken`));
  assert.doesNotMatch(said(), /^ +at /m, 'no stack');

  const free = String(await freePort());
  const both = start({ PORT: free, TWOFOLD_SAMPLE_PORT: port, TWOFOLD_DATA_DIR: data }, 'bin/start.mjs');
  await until(() => both.said().includes('TWOFOLD_SAMPLE_PORT'));
  assert.match(both.said(), new RegExp(`^Sample relying party: port ${port} is taken`, 'm'));
  assert.doesNotMatch(both.said(), /^ +at /m, 'no stack');
  assert.equal((await fetch(`http://localhost:${free}/readyz`)).status, 200, 'the service goes on without the sample');

  const second = start({ PORT: free, TWOFOLD_SAMPLE_PORT: port, TWOFOLD_DATA_DIR: data }, 'bin/start.mjs');
  assert.equal(await second.ended, 1);
  assert.match(second.said(), /^the data folder is in use by process \d+[^\n]*\n$/);
  both.child.kill('SIGTERM');
  await both.ended;
  other.close();
});

test('without an issuer all that is printed leads to the port, and the sample is told anew at each start', async () => {
  const data = join(folder, 'moved');
  mkdirSync(data);
  const known = join(data, 'sample-relying-party.json');
  writeFileSync(known, JSON.stringify({ issuer: 'http://localhost:1', address: 'http://localhost:1' }));
  const [port, samplePort] = [String(await freePort()), String(await freePort())];
  const { child, ended, said } = start(
    { PORT: port, TWOFOLD_SAMPLE_PORT: samplePort, TWOFOLD_DATA_DIR: data },
    'bin/start.mjs',
  );
  await until(() => said().includes('/set-up/'));
  assert.match(said(), new RegExp(`^http://localhost:${port}/set-up/`, 'm'));
  const address = `http://localhost:${samplePort}/sign-in`;
  const signIn = (): Promise<Response | undefined> => fetch(address, { redirect: 'manual' }).catch(() => undefined);
  await until(async () => (await signIn()) !== undefined);
  assert.match((await signIn())?.headers.get('location') ?? '', new RegExp(`^http://localhost:${port}/auth`));
  child.kill('SIGTERM');
  await ended;
});

function lastLine(text: string): string {
  return text.trim().split('\n').at(-1) ?? '';
}
