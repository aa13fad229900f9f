import assert from 'node:assert/strict';
import { test } from 'node:test';
import { newBytes, newToken } from '../../src/crypto/random.ts';

test('random values share no byte with one another, however many are asked for and of whatever length', () => {
  const lengths = [1, 12, 16, 20, 32, 256, 257, 5000];
  const values = Array.from({ length: 4000 }, (_, count) => newBytes(lengths[count % lengths.length] ?? 32));
  values.forEach((value, count) => assert.equal(value.length, lengths[count % lengths.length]));
  const kept = values.map((value) => value.toString('hex'));
  const long = kept.filter((text) => text.length >= 24);
  assert.equal(new Set(long).size, long.length);
  assert.equal(new Set(long.map((text) => text.slice(0, 24))).size, long.length);
  // Each has its own memory: whoever wipes one wipes no other.
  values.forEach((value, count) => {
    if (count % 2 === 0) value.fill(0);
  });
  values.forEach((value, count) => {
    if (count % 2 === 1) assert.equal(value.toString('hex'), kept[count]);
  });
});

test('random bytes are spread evenly', () => {
  const seen = new Uint32Array(256);
  for (let count = 0; count < 8000; count += 1) for (const byte of newBytes(32)) seen[byte] = (seen[byte] ?? 0) + 1;
  // A thousand of each are expected, with a standard deviation of 32: ten of those are never seen.
  for (const count of seen) assert.ok(count > 680 && count < 1320, String(count));
});

test('tokens are as long as their bytes say', () => {
  assert.match(newToken(), /^[\w-]{43}$/);
  assert.match(newToken(16), /^[\w-]{22}$/);
});
