import assert from 'node:assert/strict';
import { createCipheriv, createHmac, randomBytes } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import bcrypt from 'bcrypt';
import { oneTimeCode, secretFromBase32, timeStepAt } from '../../src/domain/totp.ts';
import { runCommand, runJson } from '../support/run-command.ts';
import { startService, type TestService } from '../support/service.ts';
import { UserAgent } from '../support/user-agent.ts';

/** As Python's cryptography makes it: version, time, initialisation vector, AES-128-CBC, HMAC-SHA-256. */
function fernet(key: string, text: string): string {
  const raw = Buffer.from(key, 'base64url');
  const iv = randomBytes(16);
  const cipher = createCipheriv('aes-128-cbc', raw.subarray(16), iv);
  const signed = Buffer.concat([Buffer.from([0x80]), Buffer.alloc(8, 1), iv, cipher.update(text), cipher.final()]);
  return Buffer.concat([signed, createHmac('sha256', raw.subarray(0, 16)).update(signed).digest()]).toString(
    'base64url',
  );
}

const base32 = 'JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP';
const password = 'the old password';

describe('people of the two systems before', () => {
  let service: TestService;
  before(async () => {
    service = await startService('embedded');
  });
  after(() => service.close());

  async function toCode(agent: UserAgent, username: string) {
    return agent.submit(await agent.begin(), { login: username, password });
  }

  async function assertSignsIn(username: string, recoveryCode: string): Promise<void> {
    const secret = secretFromBase32(base32);
    assert.ok(secret);
    const totp = { secret, algorithm: 'SHA1' as const, digits: 6 as const, periodSeconds: 30 };
    const { clock, database } = service.composed.services;
    const one = new UserAgent(service.issuer);
    const code = oneTimeCode(totp, timeStepAt(clock.epochSeconds(), 30));
    assert.equal((await one.submit(await toCode(one, username), { code })).page, 'consent');
    const row = await database.kysely
      .selectFrom('users')
      .select('password_hash')
      .where('username', '=', username)
      .executeTakeFirstOrThrow();
    assert.match(row.password_hash ?? '', /^\$argon2id\$v=19\$m=8192,/);
    const { hasher } = service.composed.services;
    assert.equal(hasher.needsRehash(row.password_hash ?? ''), false);
    // The last one is answered with new ones; a second time it is nothing.
    for (const page of ['recovery-codes', 'recovery-code']) {
      const agent = new UserAgent(service.issuer);
      const step = await toCode(agent, username);
      const action = step.action.replace(/one-time-code$/, 'recovery-code');
      assert.equal((await agent.submit(step, { code: recoveryCode }, action)).page, page);
    }
  }

  test('A: bcrypt, a Fernet secret and bcrypt recovery codes', async () => {
    const key = randomBytes(32).toString('base64url');
    const line = {
      username: 'from-a',
      password_hash: await bcrypt.hash(password, 4),
      totp: [{ secret_fernet: fernet(key, base32) }],
      recovery_codes: { pattern: '????????', hashes: [await bcrypt.hash('ab12cd34', 4)] },
    };
    const [answer] = await runJson(service.composed.services, 'users import', { fernetKeys: [key] }, [
      JSON.stringify(line),
    ]);
    assert.equal(answer?.['result'], 'created');
    await assertSignsIn('from-a', 'AB12 CD34');
  });

  test('B: Argon2id, raw secrets and recovery codes hashed with their dash', async () => {
    const { hasher } = service.composed.services;
    const line = {
      username: 'from-b',
      password_hash: await hasher.hash(password),
      totp: [{ secret: base32 }],
      recovery_codes: { pattern: '????-????', hashes: [await hasher.hash('wxyz-2345')] },
    };
    const input = [JSON.stringify(line)];
    assert.equal((await runJson(service.composed.services, 'users import', {}, input))[0]?.['result'], 'created');
    await assertSignsIn('from-b', 'wxyz2345');
    await assert.rejects(runCommand(service.composed.services, 'users import', {}, input), { code: 'lines_refused' });
    // An import that goes on after an interruption meets those it took in.
    const [again] = await runJson(service.composed.services, 'users import', { firstLine: 2 }, input);
    assert.deepEqual([again?.['line'], again?.['result']], [2, 'skipped']);
  });

  test('keys are listed and rotated, their private part never shown', async () => {
    const rotated = await runJson<{ state: string }>(service.composed.services, 'keys rotate', { algorithm: 'ES256' });
    assert.deepEqual(
      rotated.map(({ state }) => state),
      ['published'],
    );
    const listed = await runCommand(service.composed.services, 'keys list', { json: true });
    assert.ok(listed.length > 1);
    assert.doesNotMatch(listed.join(), /"d":/);
    await assert.rejects(runCommand(service.composed.services, 'keys revoke', { kid: 'none', reason: 'a test' }), {
      code: 'not_found',
    });
  });
});
