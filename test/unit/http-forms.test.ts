import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { test } from 'node:test';
import type { IncomingMessage } from 'node:http';
import fc from 'fast-check';
import { readFields, type FormLimits } from '../../src/http/forms.ts';

const urlencoded = 'application/x-www-form-urlencoded';

function read(body: string | Buffer, type = urlencoded, limits: Partial<FormLimits> = {}, more = {}) {
  const stream = Readable.from([Buffer.from(body)]) as unknown as IncomingMessage;
  stream.headers = { 'content-type': type, ...more };
  return readFields({ req: stream }, limits);
}

const refused = (status: number) => (error: unknown) => (error as { status: number }).status === status;

test('reads the fields of a form and of the flat JSON object that stands for it', async () => {
  assert.deepEqual(
    [...(await read('login=ada&password=a+b%26c&saved=yes'))],
    [
      ['login', 'ada'],
      ['password', 'a b&c'],
      ['saved', 'yes'],
    ],
  );
  const json = await read('{"login":"ada","saved":true,"trust_browser":false}', 'application/json; charset=UTF-8');
  assert.equal(json.get('saved'), 'yes');
  assert.equal(json.get('trust_browser'), '');
});

test('A11 refuses doubled fields, lists and nested values: none may mean "any of these"', async () => {
  for (const body of ['code=1&code=2', 'code[]=1', 'code[length]=6', 'a=1&code%5B%5D=2']) {
    await assert.rejects(read(body), refused(400), body);
  }
  for (const body of [
    '{"code":["1","2"]}',
    '{"code":{"length":6}}',
    '{"code":123456}',
    '{"code":null}',
    '[]',
    '"x"',
    '{',
  ]) {
    await assert.rejects(read(body, 'application/json'), refused(400), body);
  }
});

test('refuses what is too much with 413 before it is looked at', async () => {
  await assert.rejects(read('a'.repeat(40_000)), refused(413));
  await assert.rejects(read(`code=${'1'.repeat(9_000)}`), refused(413));
  await assert.rejects(read(Array.from({ length: 50 }, (_, index) => `f${index}=`).join('&')), refused(413));
});

test('G05 refuses the types of content that another site can send without asking', async () => {
  for (const type of ['text/plain', 'multipart/form-data; boundary=x', '', `${urlencoded}; charset=utf-7`]) {
    await assert.rejects(read('{"login":"ada"}', type), refused(415), type);
  }
  await assert.rejects(read('a=1', urlencoded, {}, { 'content-encoding': 'gzip' }), refused(415));
});

test('refuses a body that is not UTF-8', async () => {
  await assert.rejects(read(Buffer.from([0x61, 0x3d, 0xff])), refused(400));
});

test('H12 names of the prototype are fields like any other', async () => {
  const form = await read('__proto__=x&constructor=y');
  assert.equal(form.get('__proto__'), 'x');
  assert.equal(({} as Record<string, unknown>)['x'], undefined);
  assert.equal((await read('{"__proto__":"x"}', 'application/json')).get('polluted'), undefined);
});

test('any field comes out as it went in', async () => {
  await fc.assert(
    fc.asyncProperty(fc.string({ unit: 'grapheme', maxLength: 200 }), async (value) => {
      assert.equal(
        (await read(new URLSearchParams({ password: value }).toString())).get('password'),
        value.toWellFormed(),
      );
      assert.equal((await read(JSON.stringify({ password: value }), 'application/json')).get('password'), value);
    }),
    { numRuns: 100 },
  );
});
