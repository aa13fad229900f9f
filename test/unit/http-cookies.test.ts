import assert from 'node:assert/strict';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { test } from 'node:test';
import { createSignatures } from '../../src/crypto/signatures.ts';
import { createCookieJar, type CookieJar } from '../../src/http/cookies.ts';

function exchange(cookie = '') {
  const headers = new Map<string, unknown>();
  return {
    req: { headers: { cookie } } as unknown as IncomingMessage,
    res: {
      getHeader: (name: string) => headers.get(name),
      setHeader: (name: string, value: unknown) => headers.set(name, value),
    } as unknown as ServerResponse,
    written: () => headers.get('set-cookie') as string[],
  };
}

function writeWith(jar: CookieJar, name: string, value: string, maxAgeSeconds?: number): string {
  const one = exchange();
  jar.set(one, name, value, maxAgeSeconds);
  return one.written()[0] ?? '';
}

const secure = createCookieJar(true, createSignatures(['key one'], 'cookie'));
const plain = createCookieJar(false, createSignatures(['key one'], 'cookie'));

test('F02 cookies on https bear __Host-, Secure, HttpOnly, SameSite and the whole path', () => {
  const line = writeWith(secure, 'twofold-browser', 'token', 60);
  assert.match(line, /^__Host-twofold-browser=/);
  for (const part of ['path=/', 'httponly', 'samesite=lax', 'secure', 'max-age=60']) {
    assert.ok(line.split('; ').includes(part), part);
  }
  assert.doesNotMatch(writeWith(plain, 'twofold-browser', 'token'), /__Host-|secure|max-age/);
});

test('reads back what it wrote, also with signs of its own syntax', () => {
  for (const value of ['token', 'a=b; c~d', 'ü €', '']) {
    const pair = writeWith(plain, 'x', value).split(';')[0];
    assert.equal(plain.get(exchange(`other=1; ${pair}`), 'x'), value);
  }
});

test('a value that somebody changed, or moved from another cookie, is none', () => {
  const pair = writeWith(plain, 'x', 'token').split(';')[0] ?? '';
  assert.equal(plain.get(exchange(pair.replace('token', 'tokem')), 'x'), undefined);
  assert.equal(plain.get(exchange('x=token'), 'x'), undefined);
  assert.equal(plain.get(exchange(pair.replace('x=', 'y=')), 'y'), undefined);
});

test('a second cookie of the same name, set by a neighbour, does not hide ours', () => {
  const pair = writeWith(plain, 'x', 'token').split(';')[0] ?? '';
  assert.equal(plain.get(exchange(`x=evil~evil; ${pair}`), 'x'), 'token');
});

test('the key ring turns: older keys are accepted, removed ones are not', () => {
  const pair = writeWith(plain, 'x', 'token').split(';')[0] ?? '';
  assert.equal(
    createCookieJar(false, createSignatures(['key two', 'key one'], 'cookie')).get(exchange(pair), 'x'),
    'token',
  );
  assert.equal(createCookieJar(false, createSignatures(['key two'], 'cookie')).get(exchange(pair), 'x'), undefined);
});

test('writing twice leaves one cookie, and clearing ends it at once', () => {
  const one = exchange();
  plain.set(one, 'x', 'first');
  plain.set(one, 'x', 'second');
  plain.set(one, 'y', 'other');
  assert.equal(one.written().filter((line) => line.startsWith('x=')).length, 1);
  plain.clear(one, 'x');
  assert.match(one.written().find((line) => line.startsWith('x=')) ?? '', /^x=; .*max-age=0/);
  assert.equal(one.written().length, 2);
});
