import assert from 'node:assert/strict';
import { test } from 'node:test';
import { dueChanges, signingAlgorithms, type SigningKey } from '../../src/domain/signing-key.ts';

const schedule = { rotateAfterSeconds: 1000, aheadSeconds: 300, retiredSeconds: 500 };
const at = (seconds: number): Date => new Date(seconds * 1000);
const key = (fields: Partial<SigningKey>): SigningKey => ({
  kid: 'k',
  algorithm: 'ES256',
  state: 'active',
  publishedAt: at(0),
  activatedAt: at(0),
  retiredAt: null,
  revokedAt: null,
  ...fields,
});
const ofES256 = (keys: readonly SigningKey[], now: number) =>
  dueChanges(keys, at(now), schedule).filter((change) => !('algorithm' in change) || change.algorithm === 'ES256');

test('an empty database gets a signing key of each algorithm', () => {
  const changes = dueChanges([], at(0), schedule);
  assert.deepEqual(
    changes,
    signingAlgorithms.map((algorithm) => ({ kind: 'activate-new', algorithm })),
  );
});

test('L20 a successor is published before it signs, for as long as caches may keep the keys', () => {
  assert.deepEqual(ofES256([key({})], 999), []);
  assert.deepEqual(ofES256([key({})], 1000), [{ kind: 'publish', algorithm: 'ES256' }]);
  const next = key({ kid: 'n', state: 'published', publishedAt: at(1000), activatedAt: null });
  assert.deepEqual(ofES256([key({}), next], 1299), []);
  assert.deepEqual(ofES256([key({}), next], 1300), [{ kind: 'activate', kid: 'n', previous: 'k' }]);
});

test('L20 a retired key verifies for its time and is then forgotten', () => {
  const old = key({ kid: 'o', state: 'retired', retiredAt: at(100) });
  const keys = [key({ activatedAt: at(100) }), old];
  assert.deepEqual(ofES256(keys, 599), []);
  assert.deepEqual(ofES256(keys, 600), [{ kind: 'forget', kid: 'o' }]);
});

test('a waiting key signs at once where nothing else does, and a revoked one never', () => {
  const revoked = key({ state: 'revoked', revokedAt: at(1) });
  const next = key({ kid: 'n', state: 'published', publishedAt: at(1), activatedAt: null });
  assert.deepEqual(ofES256([revoked, next], 2), [{ kind: 'activate', kid: 'n', previous: null }]);
  assert.deepEqual(ofES256([revoked], 9999), [{ kind: 'activate-new', algorithm: 'ES256' }]);
});
