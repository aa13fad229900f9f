import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { describe, test } from 'node:test';
import bcrypt from 'bcrypt';
import { createPasswordHasher, isAffordable } from '../../src/crypto/password-hasher.ts';
import { createSecretBox, SecretUnreadable } from '../../src/crypto/secret-box.ts';
import { createSignatures } from '../../src/crypto/signatures.ts';
import { createWorkQueue } from '../../src/crypto/work-queue.ts';
import { layIntoPattern, readRecoveryCode, recoveryCodeFrom } from '../../src/domain/recovery-code.ts';
import { ServiceBusy, SetupFault } from '../../src/errors.ts';

const context = { table: 'authenticators', column: 'secret_sealed', owner: 'u1', row: 'r1' };
const key = (id: string) => ({ id, key: randomBytes(32) });

describe('secrets at rest', () => {
  test('K11 opens what it sealed, in its own place alone', () => {
    const box = createSecretBox([key('k1')]);
    const sealed = box.seal(Buffer.from('secret'), context);
    assert.equal(box.open(sealed, context).toString(), 'secret');
    for (const other of [
      { ...context, table: 'x' },
      { ...context, column: 'x' },
      { ...context, owner: 'u2' },
      { ...context, row: 'r2' },
    ]) {
      assert.throws(() => box.open(sealed, other), SecretUnreadable);
    }
  });

  test('opens under an older key of the ring and seals under the first', () => {
    const [old, fresh] = [key('k1'), key('k2')];
    const sealed = createSecretBox([old]).seal(Buffer.from('secret'), context);
    const both = createSecretBox([fresh, old]);
    assert.equal(both.open(sealed, context).toString(), 'secret');
    assert.equal(both.keyIdOf(both.seal(Buffer.from('x'), context)), 'k2');
    assert.throws(() => createSecretBox([fresh]).open(sealed, context), SecretUnreadable);
  });

  test('refuses a missing, doubled or short key, and says how to make one', () => {
    assert.throws(() => createSecretBox([]), /randomBytes\(32\)/);
    assert.throws(() => createSecretBox([key('k1'), key('k1')]), SetupFault);
    assert.throws(() => createSecretBox([{ id: 'k1', key: randomBytes(16) }]), SetupFault);
  });

  test('K12 repeats no nonce, and refuses any changed byte', () => {
    const box = createSecretBox([key('k1')]);
    const nonces = new Set(Array.from({ length: 20_000 }, () => box.seal(Buffer.alloc(1), context).split('.')[2]));
    assert.equal(nonces.size, 20_000);
    const sealed = box.seal(Buffer.from('secret'), context);
    for (let at = 0; at < sealed.length; at += 1) {
      const changed = `${sealed.slice(0, at)}${sealed[at] === 'A' ? 'B' : 'A'}${sealed.slice(at + 1)}`;
      // The last character of base64url may carry unused bits; then the bytes are the same.
      try {
        assert.equal(box.open(changed, context).toString(), 'secret');
        assert.ok(at === sealed.length - 1 || sealed[at + 1] === '.');
      } catch (error) {
        assert.ok(error instanceof SecretUnreadable);
      }
    }
  });
});

describe('passwords', () => {
  const hasher = createPasswordHasher({ memoryKibibytes: 8192, iterations: 1, parallelism: 1, mostWaiting: 50 });

  test('H04 hashes with argon2id and a fresh salt, and asks for a rehash when the cost rose', async () => {
    const [a, b] = await Promise.all([hasher.hash('a password'), hasher.hash('a password')]);
    assert.match(a, /^\$argon2id\$v=19\$m=8192,t=1,p=1\$/);
    assert.notEqual(a, b);
    assert.ok(await hasher.verify(a, 'a password'));
    assert.ok(!(await hasher.verify(a, 'A password')));
    const dearer = createPasswordHasher({ memoryKibibytes: 16_384, iterations: 1, parallelism: 1, mostWaiting: 5 });
    assert.ok(dearer.needsRehash(a));
    assert.ok(!hasher.needsRehash(a));
  });

  test('H06 takes every byte: 73 and more differ, and NUL ends nothing', async () => {
    const stored = await hasher.hash(`${'x'.repeat(72)}1`);
    assert.ok(!(await hasher.verify(stored, `${'x'.repeat(72)}2`)));
    const withNul = await hasher.hash('before\0after');
    assert.ok(!(await hasher.verify(withNul, 'before\0other')));
  });

  test('checks bcrypt, scrypt and PBKDF2 of other systems, and calls no malformed hash right', async () => {
    assert.ok(await hasher.verify(await bcrypt.hash('old one', 4), 'old one'));
    // Made with Python's hashlib.scrypt(b'old one', salt=b'saltsaltsaltsalt', n=1024, r=8, p=1, dklen=32).
    for (const broken of ['', 'x', '$argon2id$', '$2b$12$short', '$scrypt$ln=1', '$pbkdf2-md5$i=1$AA$AA']) {
      assert.equal(await hasher.verify(broken, 'x'), false);
    }
  });

  test('refuses to check a hash that dictates a ruinous cost, or whose digest is matched by chance', () => {
    const digest = Buffer.alloc(32, 7).toString('base64').replace('=', '');
    assert.ok(!isAffordable(`$argon2id$v=19$m=4194304,t=3,p=1$c2FsdHNhbHQ$${digest}`));
    assert.ok(!isAffordable(`$2b$20$${'a'.repeat(53)}`));
    assert.ok(!isAffordable(`$scrypt$ln=30,r=8,p=1$c2FsdA$${digest}`));
    assert.ok(!isAffordable(`$pbkdf2-sha256$i=90000000$c2FsdA$${digest}`));
    assert.ok(isAffordable(`$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHQ$${digest}`));
    assert.ok(!isAffordable('$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHQ$aGFzaGhhc2g'));
  });

  test('a full queue is refused, not kept waiting', async () => {
    const queue = createWorkQueue(1, 1);
    const blocker = Promise.withResolvers<void>();
    const running = queue.run(() => blocker.promise);
    const waiting = queue.run(async () => 'done');
    await assert.rejects(
      queue.run(async () => 'never'),
      ServiceBusy,
    );
    blocker.resolve();
    await running;
    assert.equal(await waiting, 'done');
  });
});

describe('recovery codes', () => {
  test('D14 have 80 secret bits beside the group that names the row, in groups of four', () => {
    const { display, normalised, prefix } = recoveryCodeFrom(randomBytes(20));
    assert.match(display, /^(?:[0-9A-HJKMNP-TV-Z]{4}-){4}[0-9A-HJKMNP-TV-Z]{4}$/);
    assert.equal(normalised.length - prefix.length, 16);
  });

  test('are read however they are spelled', () => {
    const code = recoveryCodeFrom(Buffer.from(Array.from({ length: 20 }, (_, at) => at)));
    for (const typed of [
      code.display,
      code.display.toLowerCase(),
      code.display.replaceAll('-', ' '),
      code.normalised,
      code.display.replaceAll('0', 'O').replaceAll('1', 'l'),
      ` ${code.display} `,
    ]) {
      assert.equal(readRecoveryCode(typed)?.normalised, code.normalised, typed);
    }
    assert.equal(readRecoveryCode('too short'), undefined);
    assert.equal(readRecoveryCode('U'.repeat(20)), undefined);
  });

  test('imported ones are laid into their pattern, without folding look-alikes', () => {
    assert.equal(layIntoPattern('AB2C D3EF', '????-????'), 'ab2c-d3ef');
    assert.equal(layIntoPattern('ab2cd3ef', '????????'), 'ab2cd3ef');
    assert.equal(layIntoPattern('ab2cd3e', '????-????'), undefined);
    assert.equal(layIntoPattern('ab2cd3efg', '????-????'), undefined);
    assert.equal(layIntoPattern('o0l1-o0l1', '????-????'), 'o0l1-o0l1');
  });
});

test('a signature is known by every key of the ring, for its own text and purpose alone', () => {
  const before = createSignatures(['old'], 'cookie');
  const now = createSignatures(['new', 'old'], 'cookie');
  const signature = before.sign('name=value');
  assert.equal(now.index('name=value', signature), 1);
  assert.equal(now.index('name=value', now.sign('name=value')), 0);
  assert.ok(!before.verify('name=value', now.sign('name=value')), 'a key that is not in the ring');
  assert.ok(!now.verify('name=other', signature));
  assert.ok(!createSignatures(['old'], 'csrf').verify('name=value', signature));
  for (const wrong of ['', 'A', signature.slice(1), `${signature}AAAA`])
    assert.equal(now.index('name=value', wrong), -1);
  assert.throws(() => createSignatures([], 'cookie'), /COOKIE_KEYS/);
});
