import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { Client } from 'pg';
import { oneTimeCode, secretFromBase32, timeStepAt } from '../../src/domain/totp.ts';
import { emptyDatabase, type TestDatabase } from '../support/database.ts';
import { projectFolder } from '../support/paths.ts';
import { runJson } from '../support/run-command.ts';
import { runDebianPython } from '../support/servers/debian-python.ts';
import { startService, type TestService } from '../support/service.ts';
import { UserAgent } from '../support/user-agent.ts';

interface Rows {
  readonly password_hash: string;
  readonly totp_secret: string;
  /** What the person's app holds, in base32. */
  readonly secret: string;
  readonly codes: readonly string[];
  readonly hashes: readonly string[];
}

describe('people of the two systems before, in rows by Python’s own bcrypt, cryptography and argon2', () => {
  let service: TestService;
  let old: TestDatabase;
  let client: Client;
  let rows: { readonly password: string; readonly a: Rows & { readonly key: string }; readonly b: Rows };

  before(async () => {
    rows = JSON.parse(await runDebianPython(join(projectFolder, 'test', 'fixtures', 'predecessor-rows.py')));
    old = await emptyDatabase();
    client = new Client({ connectionString: old.url });
    await client.connect();
    service = await startService('servers');
  });
  after(async () => {
    await client?.end();
    await service?.close();
    await old?.drop();
  });

  /** The lines that the guide's own SQL makes of the old tables. */
  async function exported(name: string): Promise<string[]> {
    const text = readFileSync(join(projectFolder, 'examples', 'import', `${name}.sql`), 'utf8');
    const answer = await client.query<[string]>({ text, rowMode: 'array', types: { getTypeParser: () => String } });
    return answer.rows.map(([line]) => line);
  }

  async function assertKeepsAll(username: string, { secret, codes }: Rows, unused: readonly number[]): Promise<void> {
    const toCode = async () => {
      const agent = new UserAgent(service.issuer);
      return [agent, await agent.submit(await agent.begin(), { login: username, password: rows.password })] as const;
    };
    const raw = secretFromBase32(secret);
    assert.ok(raw);
    const totp = { secret: raw, algorithm: 'SHA1' as const, digits: 6 as const, periodSeconds: 30 };
    const code = oneTimeCode(totp, timeStepAt(service.composed.services.clock.epochSeconds(), 30));
    const [first, step] = await toCode();
    assert.equal((await first.submit(step, { code })).page, 'consent');
    const { id } = await service.composed.services.manageUsers.find(username);
    assert.equal((await service.composed.services.status(id)).recoveryCodesRemaining, unused.length);
    const byRecoveryCode = async (typed: string) => {
      const [agent, at] = await toCode();
      return agent.submit(at, { code: typed }, at.action.replace(/one-time-code$/, 'recovery-code'));
    };
    // One that was used before the move, then one that was not, typed as people do; the same a second time is nothing.
    assert.equal((await byRecoveryCode(codes[0] ?? '')).page, 'recovery-code');
    const typed = (codes[unused[0] ?? 0] ?? '').toUpperCase().replace('-', ' ');
    assert.notEqual((await byRecoveryCode(typed)).page, 'recovery-code');
    assert.equal((await byRecoveryCode(typed)).page, 'recovery-code');
    assert.equal((await service.composed.services.status(id)).recoveryCodesRemaining, unused.length - 1);
  }

  test('A: a log service with bcrypt and Fernet', async () => {
    const { a } = rows;
    await client.query(`
      create table users (id serial, username text, email text, password_hash text, totp_secret text,
        totp_enabled boolean, is_active boolean);
      create table recovery_codes (user_id int, code_hash text, used boolean)`);
    const people = [
      ['from-a', a.totp_secret, true, true],
      ['never-confirmed', a.totp_secret, false, true],
      ['gone', null, false, false],
    ] as const;
    for (const [username, secret, enabled, active] of people) {
      const values = [username, `${username}@example.com`, a.password_hash, secret, enabled, active];
      await client.query(
        'insert into users (username, email, password_hash, totp_secret, totp_enabled, is_active) values ($1,$2,$3,$4,$5,$6)',
        values,
      );
    }
    for (const [at, hash] of a.hashes.entries()) {
      await client.query('insert into recovery_codes values (1, $1, $2)', [hash, at < 4]);
    }
    const lines = await exported('from-bcrypt-and-fernet');
    const { services } = service.composed;
    const results = await runJson(services, 'users import', { fernetKeys: [a.key] }, lines);
    assert.deepEqual(
      results.map(({ username, result }) => [username, result]),
      [
        ['from-a', 'created'],
        ['never-confirmed', 'created'],
      ],
    );
    await assertKeepsAll('from-a', a, [4, 5, 6, 7]);
    const { id } = await services.manageUsers.find('never-confirmed');
    assert.equal((await services.status(id)).enabled, false);
    await client.query('drop table users, recovery_codes');
  });

  test('B: a password manager with Argon2id, raw secrets and a list of hashes', async () => {
    const { b } = rows;
    await client.query(`
      create table users (id serial, username text, email text, password_hash text, totp_secret bytea,
        totp_enabled boolean, recovery_code_hashes json)`);
    const values = [b.password_hash, Buffer.from(b.totp_secret, 'hex'), JSON.stringify(b.hashes.slice(4))];
    await client.query(
      `insert into users (username, email, password_hash, totp_secret, totp_enabled, recovery_code_hashes)
       values ('from-b', 'from-b@example.com', $1, $2, true, $3)`,
      values,
    );
    const [result] = await runJson(service.composed.services, 'users import', {}, await exported('from-argon2id'));
    assert.equal(result?.['result'], 'created');
    await assertKeepsAll('from-b', b, [4, 5, 6, 7, 8, 9]);
  });
});
