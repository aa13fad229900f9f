import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { chmodSync, cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, test } from 'node:test';
import { validate } from 'dockerfile-utils';
import { freshDatabase } from '../support/database.ts';
import { projectFolder } from '../support/paths.ts';
import { freshRedisUrl } from '../support/redis.ts';
import { freePort } from '../support/servers/free-port.ts';

const dockerfile = readFileSync(join(projectFolder, 'Dockerfile'), 'utf8');
const root = mkdtempSync(join(tmpdir(), 'twofold-image-'));
after(() => {
  setWritable(root, true);
  rmSync(root, { recursive: true, force: true });
});

test('the Dockerfile holds to the rules of its language', () => {
  assert.deepEqual(
    validate(dockerfile).map(({ message, range }) => `${range.start.line + 1}: ${JSON.stringify(message)}`),
    [],
  );
  assert.match(dockerfile, /^USER 10001:10001$/m);
  assert.doesNotMatch(dockerfile, /:latest|--omit=optional|^ADD /m);
});

test("the image's steps, run in a clean folder, answer discovery as an ordinary user on read-only files", async () => {
  const app = join(root, 'app');
  mkdirSync(app);
  for (const [, sources = '', target = ''] of dockerfile.matchAll(/^COPY (?!--from)(.+) (\S+)$/gm)) {
    for (const source of sources.split(' ')) {
      const to = sources.includes(' ') || target === './' ? join(app, source) : join(app, target);
      if (source === 'tools/node-runtime/package.json') mkdirSync(dirname(to), { recursive: true });
      cpSync(join(projectFolder, source), to, { recursive: true });
    }
  }
  const install = /^RUN (npm ci .+)$/m.exec(dockerfile)?.[1]?.split(' ') ?? [];
  execFileSync('npm', install.slice(1), { cwd: app, stdio: 'pipe', env: { ...process.env, NODE_ENV: 'production' } });
  assert.ok(!existsSync(join(app, 'node_modules', 'typescript')), 'development packages stay out');
  chmodSync(root, 0o755);
  setWritable(app, false);

  const database = await freshDatabase();
  const port = await freePort();
  const temporary = join(root, 'tmp');
  mkdirSync(temporary, { mode: 0o777 });
  chmodSync(temporary, 0o777);
  const isRoot = process.getuid?.() === 0;
  const child = spawn(process.execPath, ['bin/twofold.mjs', 'serve'], {
    cwd: app,
    stdio: ['ignore', 'pipe', 'pipe'],
    // Root may write anywhere; an ordinary user proves that nothing needs to be written.
    ...(isRoot ? { uid: 65534, gid: 65534 } : {}),
    env: {
      PATH: process.env['PATH'],
      HOME: temporary,
      TMPDIR: temporary,
      NODE_ENV: 'production',
      NODE_COMPILE_CACHE: join(temporary, 'compile'),
      PORT: String(port),
      ISSUER: 'https://id.example.com',
      DATABASE_URL: database.url,
      REDIS_URL: await freshRedisUrl(),
      ENCRYPTION_KEYS: `k:${Buffer.alloc(32, 7).toString('base64')}`,
      COOKIE_KEYS: 'a-cookie-key-for-this-test-alone-long-enough',
    },
  });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (said += chunk.toString()));
  const ended = new Promise<number | null>((resolve) => child.on('exit', resolve));
  try {
    const answer = await patiently(`http://127.0.0.1:${port}/.well-known/openid-configuration`, child, () => said);
    assert.equal(((await answer.json()) as { issuer: string }).issuer, 'https://id.example.com');
  } finally {
    child.kill('SIGTERM');
  }
  assert.equal(await ended, 0, said);
  await database.drop();
});

async function patiently(url: string, child: { exitCode: number | null }, said: () => string): Promise<Response> {
  for (;;) {
    assert.equal(child.exitCode, null, said());
    try {
      return await fetch(url);
    } catch {
      await new Promise((done) => setTimeout(done, 100));
    }
  }
}

function setWritable(folder: string, writable: boolean): void {
  for (const entry of readdirSync(folder, { withFileTypes: true, recursive: true })) {
    if (entry.isDirectory()) chmodSync(join(entry.parentPath, entry.name), writable ? 0o755 : 0o555);
  }
  chmodSync(folder, writable ? 0o755 : 0o555);
}
