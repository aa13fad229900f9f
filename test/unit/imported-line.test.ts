import assert from 'node:assert/strict';
import { pbkdf2Sync, randomBytes, scryptSync } from 'node:crypto';
import { test } from 'node:test';
import { createPasswordHasher, isAffordable } from '../../src/crypto/password-hasher.ts';
import { inBatches } from '../../src/users/batches.ts';
import { readImportedLine } from '../../src/users/read-imported-line.ts';

const unpadded = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64').replace(/=+$/, '');
const salt = randomBytes(16);
const digest = unpadded(randomBytes(32));
const password = 'the old password';
const hasher = createPasswordHasher({ memoryKibibytes: 8192, iterations: 1, parallelism: 1, mostWaiting: 4 });

const scrypted = (length = 32): string =>
  `$scrypt$ln=10,r=8,p=1$${unpadded(salt)}$${unpadded(scryptSync(password, salt, length, { N: 1024 }))}`;
const derived = (hash: string, length: number): string =>
  `$pbkdf2-${hash}$i=1000$${unpadded(salt)}$${unpadded(pbkdf2Sync(password, salt, 1000, length, hash))}`;

test('passwords under scrypt and PBKDF2 are checked as they were stored', async () => {
  for (const stored of [scrypted(), derived('sha1', 20), derived('sha256', 32), derived('sha512', 64)]) {
    assert.equal(isAffordable(stored), true, stored);
    assert.equal(await hasher.verify(stored, password), true, stored);
    assert.equal(await hasher.verify(stored, 'another password'), false, stored);
    assert.equal(hasher.needsRehash(stored), true);
  }
});

test('a hash that takes seconds or gigabytes to check is refused, and so is one that any password fits', () => {
  const text = unpadded(salt);
  const argon2 = (cost: string): string => `$argon2id$v=19$${cost}$${text}$${digest}`;
  for (const stored of [
    argon2('m=4194304,t=1,p=1'),
    argon2('m=262144,t=5,p=1'),
    argon2('m=65536,t=1000,p=1'),
    argon2('m=65536,t=1,p=64'),
    `$argon2id$v=19$m=65536,t=3,p=4$${text}$A`,
    `$2b$20$${'a'.repeat(53)}`,
    `$scrypt$ln=22,r=8,p=1$${text}$${digest}`,
    `$scrypt$ln=17,r=8,p=8$${text}$${digest}`,
    `$scrypt$ln=15,r=8,p=1$${text}$A`,
    `$pbkdf2-sha256$i=90000000$${text}$${digest}`,
    `$pbkdf2-sha1$i=1500000$${text}$${unpadded(randomBytes(64))}`,
    `$pbkdf2-sha256$i=1000$${text}$A`,
    `$pbkdf2-sha256$i=1000$${text}$${unpadded(randomBytes(4000))}`,
    '$1$salt$md5crypt',
    'plain',
    '',
  ]) {
    assert.equal(isAffordable(stored), false, stored.slice(0, 60));
  }
  for (const stored of [argon2('m=65536,t=3,p=4'), argon2('m=262144,t=4,p=1'), `$2y$12$${'a'.repeat(53)}`]) {
    assert.equal(isAffordable(stored), true, stored);
  }
});

test('a line is read whole, or refused with the field and never its content', () => {
  const base32 = 'JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP';
  const secret = Buffer.from('Hello!\xde\xad\xbe\xefHello!\xde\xad\xbe\xef', 'latin1');
  const read = (line: object) => readImportedLine(JSON.stringify({ username: 'ana', ...line }), []);
  const totp = (one: object) => read({ totp: [one] });
  for (const one of [{ secret: base32 }, { secret_base64: secret.toString('base64') }]) {
    const found = totp({ ...one, algorithm: 'SHA512', digits: 8, period: 60, label: 'Key fob' });
    assert.deepEqual(found.kind === 'read' && found.authenticators, [
      { secret, algorithm: 'SHA512', digits: 8, periodSeconds: 60, label: 'Key fob' },
    ]);
  }
  const short = randomBytes(15);
  for (const [line, reason] of [
    [{ totp: [{ secret_base64: short.toString('base64') }] }, 'totp.0: the secret has fewer than 128 bits'],
    [{ totp: [{ secret: 'JBSWY3DPEHPK3PXP' }] }, 'totp.0: the secret has fewer than 128 bits'],
    [{ totp: [{ secret_base64: randomBytes(200).toString('base64') }] }, 'totp.0: the secret has more than 1024 bits'],
    [{ totp: [{ secret_base64: '*** no base64 at all ***' }] }, 'totp.0: the secret cannot be read'],
    [{ totp: [{ secret: base32, secret_base64: 'AAAA' }] }, 'totp.0: the secret cannot be read'],
    [{ totp: [{ secret: base32, digits: 7 }] }, 'totp.0.digits: Invalid input'],
    [
      { totp: Array.from({ length: 6 }, () => ({ secret: base32 })) },
      'totp: Too big: expected array to have <=5 items',
    ],
    [{ recovery_codes: { pattern: '??-??', hashes: [] } }, 'recovery_codes.pattern: needs six places (?) at least'],
    [
      { password_hash: '$2b$20$' + 'a'.repeat(53) },
      'password_hash: an unknown form, or dearer to check than is allowed',
    ],
    [
      { recovery_codes: { pattern: '??????', hashes: ['plain-code'] } },
      'recovery_codes.hashes.0: an unknown form, or dearer to check than is allowed',
    ],
    [{ email: 'no address' }, 'email: this is no e-mail address'],
    [{ claims: { name: 'A\u0000' } }, 'the line holds a NUL character or half a surrogate pair'],
    [{ claims: { name: 'A\ud800' } }, 'the line holds a NUL character or half a surrogate pair'],
    [{ roles: ['operator'] }, 'Unrecognized key: "roles"'],
  ] as const) {
    assert.deepEqual(read(line), { kind: 'refused', username: 'ana', reason });
  }
  assert.equal(read({ claims: { name: 'a \\u0000 in words' } }).kind, 'read');
  assert.equal(readImportedLine('{ no JSON', []).kind, 'refused');
  assert.equal(readImportedLine(`{"username":"${'x'.repeat(70_000)}"}`, []).kind, 'refused');
});

test('batches are full while lines come, and given early to a sender who waits; no more is read than is worked on', async () => {
  let asked = 0;
  let go: (() => void) | undefined;
  async function* source() {
    for (asked = 1; asked <= 7; asked += 1) {
      if (asked === 6) await new Promise<void>((resolve) => (go = resolve));
      yield asked;
    }
  }
  const batches: number[][] = [];
  for await (const batch of inBatches(source(), 3, 10)) {
    batches.push(batch);
    if (batch.includes(5)) go?.();
    if (batches.length === 1) {
      await new Promise((resolve) => setTimeout(resolve, 30));
      assert.equal(asked, 4);
    }
  }
  assert.deepEqual(batches, [
    [1, 2, 3],
    [4, 5],
    [6, 7],
  ]);
});
