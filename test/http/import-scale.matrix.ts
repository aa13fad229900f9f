import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { newBytes, newToken } from '../../src/crypto/random.ts';
import { freshDatabase } from '../support/database.ts';
import { projectFolder } from '../support/paths.ts';
import { freshRedisUrl } from '../support/redis.ts';
import { freePort } from '../support/servers/free-port.ts';

/** How many people each shape takes in: a million over PostgreSQL, fewer through the one process of the embedded one. */
const people = { servers: Number(process.env['IMPORT_PEOPLE'] ?? 1_000_000), embedded: 50_000 };
/** What the old heap of the importing process may hold, in MiB: a fraction of what the people would take. */
const heapMebibytes = 128;
/** By how much its whole memory may grow once it has settled, from three tenths of the way to the end. */
const growthMebibytes = 48;

// One hash for all: what is measured is the import, and an import computes none.
const shared = {
  password_hash: '$2b$12$R9h/cIPz0gi.URNNX3kh2OPST9/PgBkqquzi.Ss7KIUgO2t0jWMUW',
  totp: [{ secret: 'JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP' }],
  recovery_codes: {
    pattern: '????????',
    hashes: Array.from({ length: 4 }, () => '$2b$12$R9h/cIPz0gi.URNNX3kh2OPST9/PgBkqquzi.Ss7KIUgO2t0jWMUW'),
  },
};

describe('an import at scale', () => {
  test('a million people by the command line over PostgreSQL, in flat memory', { timeout: 3_600_000 }, async (t) => {
    const database = await freshDatabase();
    try {
      const environment = {
        ISSUER: 'http://localhost:3000',
        DATABASE_URL: database.url,
        REDIS_URL: await freshRedisUrl(),
        ENCRYPTION_KEYS: `k1:${newBytes(32).toString('base64')}`,
        COOKIE_KEYS: newToken(),
      };
      await importPeople(people.servers, environment, (line) => t.diagnostic(line));
    } finally {
      await database.drop();
    }
  });

  test('through the socket of the service that owns the embedded database, in flat memory of both', async (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'twofold-scale-'));
    const port = await freePort();
    const environment = {
      ISSUER: `http://localhost:${port}`,
      PORT: String(port),
      TWOFOLD_DATA_DIR: folder,
      LOG_LEVEL: 'silent',
    };
    const service = twofold(['serve'], environment);
    try {
      for (;;) {
        assert.equal(service.exitCode, null);
        const isReady = await fetch(`http://localhost:${port}/readyz`).then(
          ({ ok }) => ok,
          () => false,
        );
        if (isReady) break;
        await new Promise((resolve) => setTimeout(resolve, 200));
      }
      await importPeople(people.embedded, environment, (line) => t.diagnostic(line));
      t.diagnostic(`the service holds ${memoryOf(service)} MiB`);
    } finally {
      const ended = new Promise((resolve) => service.once('exit', resolve));
      service.kill('SIGTERM');
      await ended;
      rmSync(folder, { recursive: true, force: true });
    }
  });
});

function twofold(words: readonly string[], environment: Record<string, string>, flags: readonly string[] = []) {
  return spawn(process.execPath, [...flags, join(projectFolder, 'bin', 'twofold.mjs'), ...words], {
    env: { PATH: process.env['PATH'], HOME: process.env['HOME'], ...environment },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
}

/** The resident memory of a process, in MiB. */
function memoryOf({ pid }: ChildProcess): number {
  const kibibytes = /^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return Math.round(Number(kibibytes) / 1024);
}

async function importPeople(count: number, environment: Record<string, string>, say: (line: string) => void) {
  const child = twofold(['users', 'import'], environment, [`--max-old-space-size=${heapMebibytes}`]);
  const said = { out: '', err: '' };
  child.stdout.on('data', (chunk: Buffer) => (said.out += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (said.err += chunk.toString()));
  const ended = new Promise<number | null>((resolve) => child.once('exit', resolve));
  child.stdin.on('error', () => {});
  const memory: number[] = [];
  for (let at = 0; at < count && child.exitCode === null; at += 1) {
    const line = JSON.stringify({ username: `person-${at}`, email: `person-${at}@example.com`, ...shared });
    if (!child.stdin.write(`${line}\n`)) {
      await Promise.race([new Promise((resolve) => child.stdin.once('drain', resolve)), ended]);
    }
    if (at % (count / 10) === count / 10 - 1) memory.push(memoryOf(child));
  }
  child.stdin.end();
  assert.equal(await ended, 0, said.err);
  const settled = memory[2] ?? 0;
  const summary = said.out.trim().split('\n').at(-1) ?? '';
  say(`${summary}; memory of the import each tenth of the way: ${memory.join(', ')} MiB`);
  assert.match(summary, new RegExp(`^${count} created, 0 updated, 0 refused: `));
  assert.ok(Math.max(...memory) - settled <= growthMebibytes, `memory grew: ${memory.join(', ')} MiB`);
}
