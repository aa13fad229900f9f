import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { gunzipSync, gzipSync } from 'node:zlib';
import { sql } from 'kysely';
import { createSealer } from '../../src/audit/sealer.ts';
import { writeBackup } from '../../src/cli/backup-file.ts';
import { PostgresSealStore } from '../../src/storage/postgres/audit-chain.ts';
import { createInTransaction } from '../../src/storage/postgres/database.ts';
import { emptyDatabase, type TestDatabase } from '../support/database.ts';
import { runCommand, runJson } from '../support/run-command.ts';
import { runProgram } from '../support/run-program.ts';
import { startService, type TestPerson, type TestService } from '../support/service.ts';
import { halfway, newBrowserOf, otherFactor, recoveryCodesOf, wrongCodes } from '../support/sign-in.ts';

/** What a move must not change; last steps are raised by it. */
const kept = {
  // A restore changes the stamp: what was half-way leads to nothing.
  users: sql`select to_jsonb(users) - 'security_stamp' as person from users order by id`,
  authenticators: sql`select id, user_id, secret_sealed, confirmed_at, label from authenticators order by id`,
  guards: sql`select * from guards order by user_id`,
  codes: sql`select * from recovery_codes order by id`,
};

const stampOf = async ({ composed }: TestService, { id }: TestPerson): Promise<string> =>
  (await composed.services.manageUsers.find(id)).securityStamp;

describe('a backup of the embedded default', () => {
  const folder = mkdtempSync(join(tmpdir(), 'twofold-backup-'));
  const file = join(folder, 'backup.gz');
  let service: TestService;
  let person: TestPerson;
  let usedCode: string;
  let codes: readonly string[];
  let state: string;
  let stamp: string;

  before(async () => {
    service = await startService('embedded');
    const { services } = service.composed;
    person = await service.addPerson();
    codes = await recoveryCodesOf(service, person);
    const { agent, step } = await halfway(service, person);
    await agent.submit(await otherFactor(agent, step), { recovery_code: codes[0] ?? '', code: codes[0] ?? '' });
    const guesser = await halfway(service, person);
    for (const code of wrongCodes(person, 2)) await guesser.agent.submit(guesser.step, { code });
    const signsIn = await halfway(service, person);
    usedCode = person.code();
    const signedIn = await signsIn.agent.submit(signsIn.step, { code: usedCode });
    assert.notEqual(signedIn.page, 'one-time-code');
    // Marks that a reader of lines takes for an end of one.
    await services.manageUsers.update(person.id, { claims: { name: 'A \u2028 Person' } }, 'test', {
      requestId: 'test',
      address: '',
      userAgent: '',
    });
    await seal(service);
    const writer = await writeBackup(file);
    for (const line of await runCommand(services, 'backup')) await writer.write(line);
    assert.equal(await writer.finish(), true);
    state = await stateOf(service);
    stamp = await stampOf(service, person);
  });
  after(async () => {
    await service.close();
    await rm(folder, { recursive: true, force: true });
  });

  async function stateOf({ composed }: TestService): Promise<string> {
    const { kysely } = composed.services.database;
    const read = Object.values(kept).map(async (query) => (await query.execute(kysely)).rows);
    return JSON.stringify(await Promise.all(read));
  }

  async function seal({ composed }: TestService): Promise<void> {
    const { database, secretBox, logger } = composed.services;
    const inTransaction = createInTransaction(database.kysely, (db) => ({ seals: new PostgresSealStore(db) }));
    await createSealer({ inTransaction, secretBox, logger }).sealNow();
  }

  async function withDatabase(work: (database: TestDatabase) => Promise<void>): Promise<void> {
    const database = await emptyDatabase();
    try {
      await work(database);
    } finally {
      await database.drop();
    }
  }

  const keyFiles = {
    ENCRYPTION_KEYS_FILE: join(folder, 'keys', 'encryption-keys'),
    COOKIE_KEYS_FILE: join(folder, 'keys', 'cookie-keys'),
  };

  test('N06 N07 its keys are written to files of mode 0600, never to the terminal', async () => {
    assert.equal(statSync(file).mode & 0o777, 0o600);
    const { status, stdout, stderr } = await runProgram(['restore', file, '--write-keys', join(folder, 'keys')], {});
    assert.equal(status, 0, stderr);
    const secret = readFileSync(keyFiles.ENCRYPTION_KEYS_FILE, 'utf8').trim();
    assert.equal(statSync(keyFiles.ENCRYPTION_KEYS_FILE).mode & 0o777, 0o600);
    assert.match(stdout, /^ENCRYPTION_KEYS_FILE=.*\nCOOKIE_KEYS_FILE=.*\n$/);
    assert.equal(`${stdout}${stderr}`.includes(secret.split(':')[1] ?? secret), false);
  });

  test('N07 moved to PostgreSQL, a person keeps password, authenticator, codes and guard; a used code is refused', () =>
    withDatabase(async (database) => {
      const settings = { DATABASE_URL: database.url, ...keyFiles };
      const restored = await runProgram(['restore', file], settings);
      assert.equal(restored.status, 0, restored.stderr);
      const moved = await startService('servers', {
        environment: {
          DATABASE_URL: database.url,
          ENCRYPTION_KEYS: readFileSync(keyFiles.ENCRYPTION_KEYS_FILE, 'utf8').trim(),
          COOKIE_KEYS: readFileSync(keyFiles.COOKIE_KEYS_FILE, 'utf8').trim(),
        },
      });
      try {
        assert.equal(await stateOf(moved), state);
        assert.notEqual(await stampOf(moved, person), stamp);
        const { agent, step } = await halfway(moved, person, { agent: newBrowserOf(moved) });
        const replayed = await agent.submit(step, { code: usedCode });
        assert.equal(replayed.page, 'one-time-code');
        const accepted = await agent.submit(replayed, { code: person.code(1) });
        assert.ok(
          accepted.page === 'consent' || accepted.location !== undefined,
          accepted.error?.code ?? accepted.page,
        );
        const again = await halfway(moved, person);
        const recovery = await otherFactor(again.agent, again.step);
        const used = await again.agent.submit(recovery, { code: codes[0] ?? '' });
        assert.equal(used.page, 'recovery-code');
        const [report] = await runJson<{ kind: string }>(moved.composed.services, 'audit verify');
        assert.equal(report?.kind, 'intact');
        const [event] = await runJson(moved.composed.services, 'audit list', { type: 'backup.restored' });
        assert.equal(event?.['actor'], 'command-line');
        await seal(moved);
        const [sealed] = await runJson<{ kind: string }>(moved.composed.services, 'audit verify');
        assert.equal(sealed?.kind, 'intact');
        const busy = await runProgram(['restore', file, '--replace'], settings);
        assert.equal(busy.status, 1);
        assert.match(busy.stderr, /^twofold: the database is in use by \d+ other connections: stop all replicas\n$/);
      } finally {
        await moved.close();
      }
      const refused = await runProgram(['restore', file], settings);
      assert.equal(refused.status, 1);
      assert.match(refused.stderr, /^twofold: there is data already: say --replace [^\n]*\n$/);
      const replaced = await runProgram(['restore', file, '--replace', '--void-recovery-codes', '--json'], settings);
      assert.equal(replaced.status, 0, replaced.stderr);
      assert.equal((JSON.parse(replaced.stdout) as { authenticators: number }).authenticators, 1);
    }));

  test('what was cut, changed or is of a newer version is refused, and so are other keys; nothing is made', () =>
    withDatabase(async (database) => {
      const bad = join(folder, 'bad.gz');
      const whole = readFileSync(file);
      const text = gunzipSync(whole).toString();
      const lines = text.split('\n');
      const newer = text.replace('"0004-audit"', '"9999-later"');
      const cases: [Buffer, RegExp][] = [
        [whole.subarray(0, whole.length - 40), /is not whole/],
        [gzipSync(lines.slice(0, -2).join('\n')), /is not whole/],
        [gzipSync(text.replace(person.username, 'somebody-else')), /is not whole/],
        [Buffer.from('not gzip'), /is not whole/],
        [gzipSync('{"some":"thing"}\n'), /is no backup/],
        [await summedUp(newer), /newer version \(it knows 9999-later\)/],
      ];
      for (const [content, words] of cases) {
        writeFileSync(bad, content);
        const { status, stderr } = await runProgram(['restore', bad], { DATABASE_URL: database.url, ...keyFiles });
        assert.equal(status, 1);
        assert.match(stderr, words);
        assert.equal(stderr.trim().split('\n').length, 1, stderr);
      }
      const other = { ENCRYPTION_KEYS: `k1:${Buffer.alloc(32, 7).toString('base64')}`, COOKIE_KEYS: 'k'.repeat(48) };
      const wrong = await runProgram(['restore', file], { DATABASE_URL: database.url, ...other });
      assert.match(wrong.stderr, /^twofold: ENCRYPTION_KEYS: these are not the backup's keys[^\n]*\n$/);
      const none = await runProgram(['restore', file], { DATABASE_URL: database.url });
      assert.match(none.stderr, /^twofold: ENCRYPTION_KEYS: say --write-keys FOLDER first[^\n]*\n$/);
    }));

  async function summedUp(text: string): Promise<Buffer> {
    const { createSum } = await import('../../src/cli/backup-file.ts');
    const sum = createSum();
    const lines = text.trimEnd().split('\n').slice(0, -1);
    for (const line of lines) sum.add(line);
    return gzipSync([...lines, sum.lastLine(), ''].join('\n'));
  }
});
