import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { readPskcSeeds } from '../../src/second-factor/pskc.ts';
import { readCsvSeeds } from '../../src/second-factor/seed.ts';
import { projectFolder } from '../support/paths.ts';

const fixture = (name: string): string => readFileSync(join(projectFolder, 'test', 'fixtures', name), 'utf8');
const plain = fixture('pskc-plain.xml');
const encrypted = fixture('pskc-encrypted.xml');
/** RFC 6030 section 6.1: the key of its example, and the secret that is in it. */
const key = Buffer.from('12345678901234567890123456789012', 'hex');
const secret = Buffer.from('12345678901234567890', 'ascii');
const read = (text: string, given?: Buffer) => [...readPskcSeeds(text, given)];
const reasons = (text: string, given?: Buffer) =>
  read(text, given).map((each) => (each.kind === 'refused' ? each.reason : 'read'));

test('a container of RFC 6030, plain or encrypted, gives the secrets it holds', () => {
  const seed = { serial: '987654321', secret, algorithm: 'SHA1', digits: 8, periodSeconds: 30, username: '' };
  assert.deepEqual(read(encrypted, key), [{ kind: 'seed', at: 1, seed }]);
  assert.deepEqual(read(plain), [
    { kind: 'seed', at: 1, seed: { ...seed, serial: '987654321', digits: 6, username: 'jsmith' } },
    {
      kind: 'seed',
      at: 2,
      seed: {
        serial: 'B-2',
        secret: Buffer.from('12345678901234567890123456789012', 'ascii'),
        algorithm: 'SHA256',
        digits: 8,
        periodSeconds: 60,
        username: '',
      },
    },
  ]);
});

test('an encrypted key is opened only under its key and with its MAC', () => {
  assert.match(reasons(encrypted).join(), /give the key agreed on beforehand/);
  assert.match(reasons(encrypted, Buffer.alloc(16, 1)).join(), /another key, or it was changed/);
  assert.match(reasons(encrypted, Buffer.alloc(32, 1)).join(), /its key has 16 bytes/);
  const changed = encrypted.replace('AAECAwQFBgcICQoLDA0OD+cI', 'AAECAwQFBgcICQoLDA0OD+cJ');
  assert.deepEqual(reasons(changed, key), ['its MAC does not fit: another key, or it was changed']);
  const bare = encrypted.replace(/<ValueMAC>[^<]*<\/ValueMAC>/, '');
  assert.deepEqual(reasons(bare, key), ['it is encrypted without a MAC that is known here']);
});

test('keys that are not time-based, count from elsewhere or bear a policy are refused one by one', () => {
  for (const [from, to, reason] of [
    ['pskc:totp', 'pskc:hotp', 'this is no time-based key (TOTP)'],
    ['Encoding="DECIMAL"', 'Encoding="HEXADECIMAL"', 'its codes are not decimal'],
    ['Length="6"', 'Length="7"', 'codes must have 6 or 8 digits'],
    ['<PlainValue>0</PlainValue>', '<PlainValue>5</PlainValue>', 'it counts its time from another moment than 1970'],
    [
      '<UserId>UID',
      '<Policy><PINPolicy MinLength="4"/></Policy><UserId>UID',
      'its policy (PINPolicy) is not kept here',
    ],
    ['MTIzNDU2Nzg5MDEyMzQ1Njc4OTA=', 'MTIzNDU2Nzg5MDEyMzQ=', 'the secret has fewer than 128 bits'],
    ['MTIzNDU2Nzg5MDEyMzQ1Njc4OTA=', '%%%', 'a value is no base64'],
  ] as const) {
    assert.ok(plain.includes(from), from);
    assert.deepEqual(reasons(plain.replace(from, to)), [reason, 'read']);
  }
});

test('a document that names entities, is no XML or no container is refused as a whole', () => {
  const bomb = `<?xml version="1.0"?><!DOCTYPE a [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><a>&b;</a>`;
  assert.throws(() => read(bomb), /it has a document type/);
  const file = `<!DOCTYPE a [<!ENTITY f SYSTEM "file:///etc/passwd">]>${plain.replace(/^<\?xml[^>]*>/, '')}`;
  assert.throws(() => read(file), /it has a document type/);
  assert.throws(() => read(plain.replace('jsmith', '&unknown;')), { code: 'invalid_input' });
  assert.throws(() => read(plain.replace('</KeyContainer>', '')), { code: 'invalid_input' });
  assert.throws(() => read('<a>'.repeat(100)), /nested deeper/);
  assert.throws(() => read('<KeyContainer/>'), /no PSKC/);
  assert.throws(() => read(''), { code: 'invalid_input' });
});

test('CSV names its columns, and a bad line is told by its number', () => {
  const seeds = [
    ...readCsvSeeds(
      [
        '\uFEFFserial,secret_hex,algorithm,digits,period,username',
        'A-1,3132333435363738393031323334353637383930,SHA1,6,30,ana',
        '"A-2","31 32 33 34 35 36 37 38 39 30 31 32 33 34 35 36 37 38 39 30",,,,bea@example.com',
        'A-3,3132,SHA1,6,30,ana',
        'A-4,no hex,SHA1,6,30,ana',
        'A-5,3132333435363738393031323334353637383930,MD5,6,30,ana',
        'A-6,3132333435363738393031323334353637383930,SHA1,7,30,ana',
        'A-7,3132333435363738393031323334353637383930,SHA1,6,3,ana',
        'A-8,too few',
        ',3132333435363738393031323334353637383930,SHA1,6,30,ana',
      ].join('\r\n'),
    ),
  ];
  const common = { secret, algorithm: 'SHA1', digits: 6, periodSeconds: 30 };
  assert.deepEqual(seeds.slice(0, 2), [
    { kind: 'seed', at: 2, seed: { ...common, serial: 'A-1', username: 'ana' } },
    { kind: 'seed', at: 3, seed: { ...common, serial: 'A-2', username: 'bea@example.com' } },
  ]);
  assert.deepEqual(
    seeds.slice(2).map((each) => each.kind === 'refused' && [each.at, each.reason]),
    [
      [4, 'the secret has fewer than 128 bits'],
      [5, 'the secret cannot be read'],
      [6, 'the algorithm must be SHA1, SHA256 or SHA512'],
      [7, 'codes must have 6 or 8 digits'],
      [8, 'the period must be 15 to 120 seconds'],
      [9, 'has 2 cells, not 6'],
      [10, 'the serial number must have 1 to 40 printable characters'],
    ],
  );
  assert.equal([...readCsvSeeds('a,b\n1,2')][0]?.kind, 'refused');
});
