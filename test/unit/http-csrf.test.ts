import assert from 'node:assert/strict';
import type { IncomingMessage } from 'node:http';
import { test } from 'node:test';
import { createSignatures } from '../../src/crypto/signatures.ts';
import { createCsrf } from '../../src/http/csrf.ts';

const origin = 'https://id.example';
const csrf = createCsrf(createSignatures(['key one'], 'csrf'), origin);

function check(token: string | undefined, headers: Record<string, string>, binding = 'sign-in:1', by = csrf): string {
  const fields = new Map(token === undefined ? [] : [['csrf', token]]);
  try {
    by.check({ req: { headers } as unknown as IncomingMessage }, fields, binding);
    return 'taken';
  } catch (error) {
    assert.equal((error as { status: number }).status, 403);
    return (error as { code: string }).code;
  }
}

test('takes a form that our own page sent, and one of a program without a browser', () => {
  const token = csrf.token('sign-in:1');
  assert.equal(check(token, { origin, 'sec-fetch-site': 'same-origin' }), 'taken');
  assert.equal(check(token, {}), 'taken');
});

test('G05 refuses a form without a token, with another session’s, and one sent by another site', () => {
  const token = csrf.token('sign-in:1');
  assert.equal(check(undefined, { origin }), 'stale_form');
  assert.equal(check('', { origin }), 'stale_form');
  assert.equal(check(csrf.token('sign-in:2'), { origin }), 'stale_form');
  for (const foreign of ['https://evil.example', 'null', 'https://id.example.evil.example', 'http://id.example', '']) {
    assert.equal(check(token, { origin: foreign }), 'cross_site', foreign);
  }
  for (const site of ['cross-site', 'same-site']) assert.equal(check(token, { 'sec-fetch-site': site }), 'cross_site');
});

test('G06 refuses a token of before the proof after it', () => {
  const before = csrf.token('uid:');
  assert.equal(check(before, { origin }, 'uid:pending-1'), 'stale_form');
});

test('a token of the key before the newest is still taken, one of a removed key is not', () => {
  const token = csrf.token('sign-in:1');
  assert.equal(
    check(token, { origin }, 'sign-in:1', createCsrf(createSignatures(['key two', 'key one'], 'csrf'), origin)),
    'taken',
  );
  assert.equal(
    check(token, { origin }, 'sign-in:1', createCsrf(createSignatures(['key two'], 'csrf'), origin)),
    'stale_form',
  );
});
