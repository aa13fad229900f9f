import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import { readFileSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { describe, mock, test } from 'node:test';
import fc from 'fast-check';
import {
  checkOneTimeCode,
  learnDrift,
  normaliseOneTimeCode,
  oneTimeCode,
  otpauthUri,
  secretFromBase32,
  secretToBase32,
  timeStepAt,
  type TotpParameters,
} from '../../src/domain/totp.ts';

interface Vectors {
  readonly secrets: Record<'SHA1' | 'SHA256' | 'SHA512', string>;
  readonly vectors: readonly Record<'SHA1' | 'SHA256' | 'SHA512' | 'time', string | number>[];
}

const rfc6238 = JSON.parse(readFileSync(new URL('../fixtures/rfc6238.json', import.meta.url), 'utf8')) as Vectors;
const parameters: TotpParameters = {
  secret: Buffer.from('12345678901234567890'),
  algorithm: 'SHA1',
  digits: 6,
  periodSeconds: 30,
};
const codeAt = (step: number): string => oneTimeCode(parameters, step);
const check = (code: string, nowSeconds: number, more: { driftSteps?: number; lastStep?: number } = {}) =>
  checkOneTimeCode({ parameters, code, driftSteps: 0, lastStep: -1, nowSeconds, windowSteps: 1, ...more });

describe('one-time codes', () => {
  test('A15 each code costs the same comparisons, however much of it is right and wherever it stands', () => {
    const compared: number[] = [];
    const compare = mock.method(crypto, 'timingSafeEqual');
    syncBuiltinESMExports();
    try {
      const now = 1_700_000_000;
      const right = codeAt(timeStepAt(now, 30));
      const sharing = Array.from({ length: 7 }, (_, digits) => {
        const rest = Array.from(right.slice(digits), (digit) => String((Number(digit) + 5) % 10)).join('');
        return right.slice(0, digits) + rest;
      });
      const inWindow = [-1, 0, 1].map((offset) => codeAt(timeStepAt(now, 30) + offset));
      for (const code of [...sharing, ...inWindow, codeAt(timeStepAt(now, 30) - 12)]) {
        compare.mock.resetCalls();
        check(code, now);
        compared.push(compare.mock.callCount());
      }
    } finally {
      compare.mock.restore();
      syncBuiltinESMExports();
    }
    // Every step of the window and of the reach of the clock message, none left out after a match.
    assert.deepEqual(new Set(compared), new Set([41]));
  });

  for (const algorithm of ['SHA1', 'SHA256', 'SHA512'] as const) {
    test(`makes the codes of RFC 6238 Appendix B with ${algorithm}`, () => {
      const secret = Buffer.from(rfc6238.secrets[algorithm]);
      for (const vector of rfc6238.vectors) {
        const step = timeStepAt(Number(vector.time), 30);
        assert.equal(oneTimeCode({ secret, algorithm, digits: 8, periodSeconds: 30 }, step), vector[algorithm]);
      }
    });
  }

  test('A07 accepts the steps of the window and no other, at borders too', () => {
    for (const now of [1_800_000_000, 1_800_000_029, 1_800_000_029.999]) {
      const step = timeStepAt(now, 30);
      const kinds = [-2, -1, 0, 1, 2].map((offset) => check(codeAt(step + offset), now).kind);
      assert.deepEqual(kinds, ['far', 'match', 'match', 'match', 'far']);
    }
  });

  test('A22 counts steps beyond 2038 and in 2100', () => {
    for (const now of [2 ** 31 + 100, 4_102_444_800]) {
      const step = timeStepAt(now, 30);
      assert.deepEqual(check(codeAt(step), now), { kind: 'match', timeStep: step, offset: 0 });
    }
  });

  test('A09 reads spaces and dashes between digits, and nothing else', () => {
    for (const typed of ['123456', '123 456', ' 123456', '123456\n', '123-456', '123\u00a0456']) {
      assert.equal(normaliseOneTimeCode(typed, 6), '123456');
    }
    const refused = [
      '',
      '12345',
      '1234567',
      '12345a',
      '123456\0',
      '١٢٣٤٥٦',
      '+12345',
      '1e5',
      '123.456',
      '9'.repeat(1000),
    ];
    for (const typed of refused) assert.equal(normaliseOneTimeCode(typed, 6), undefined, typed.slice(0, 20));
  });

  test('never accepts a step twice nor one older than the last accepted, whatever is typed and when', () => {
    fc.assert(
      fc.property(
        fc.array(fc.record({ wait: fc.integer({ min: 0, max: 90 }), offset: fc.integer({ min: -3, max: 3 }) }), {
          maxLength: 40,
        }),
        (tries) => {
          let now = 1_800_000_000;
          let lastStep = -1;
          let driftSteps = 0;
          const accepted: number[] = [];
          for (const { wait, offset } of tries) {
            now += wait;
            const code = codeAt(timeStepAt(now, 30) + offset);
            const outcome = check(code, now, { driftSteps, lastStep });
            if (outcome.kind !== 'match') continue;
            assert.ok(Math.abs(outcome.timeStep - timeStepAt(now, 30) - driftSteps) <= 1, 'within the window');
            accepted.push(outcome.timeStep);
            lastStep = outcome.timeStep;
            driftSteps = learnDrift(driftSteps, outcome.offset);
            assert.ok(Math.abs(driftSteps) <= 4, 'drift is limited');
          }
          assert.deepEqual(
            accepted,
            [...new Set(accepted)].sort((a, b) => a - b),
          );
        },
      ),
    );
  });

  test('learns drift by one step a success at most, within four', () => {
    assert.equal(learnDrift(0, 1), 1);
    assert.equal(learnDrift(0, -1), -1);
    assert.equal(learnDrift(2, 0), 2);
    assert.equal(learnDrift(4, 1), 4);
    assert.equal(learnDrift(-4, -1), -4);
  });

  test('tells a code from up to ten minutes away apart, and accepts it never', () => {
    const now = 1_800_000_000;
    const step = timeStepAt(now, 30);
    assert.deepEqual(check(codeAt(step - 20), now), { kind: 'far', timeStep: step - 20, offset: -20 });
    assert.deepEqual(check(codeAt(step + 20), now), { kind: 'far', timeStep: step + 20, offset: 20 });
    assert.equal(check(codeAt(step + 21), now).kind, 'wrong');
  });

  test('A21 a name in the address adds no parameter', () => {
    const uri = otpauthUri(parameters, 'A:B&issuer=x', 'eve@example.com&secret=AAAA\n?digits=8');
    const url = new URL(uri);
    assert.equal(url.protocol, 'otpauth:');
    assert.equal(url.searchParams.getAll('secret').length, 1);
    assert.equal(url.searchParams.get('secret'), secretToBase32(parameters.secret));
    assert.equal(url.searchParams.get('digits'), '6');
    assert.equal(url.searchParams.get('period'), '30');
    assert.equal(url.searchParams.get('algorithm'), 'SHA1');
    assert.equal(url.searchParams.get('issuer'), 'A B&issuer=x');
    assert.doesNotMatch(uri, /\n/);
  });

  test('reads base32 as people and systems write it', () => {
    const text = secretToBase32(parameters.secret);
    const groups =
      text
        .toLowerCase()
        .match(/.{1,4}/g)
        ?.join(' ') ?? '';
    assert.deepEqual(secretFromBase32(groups), Buffer.from(parameters.secret));
    assert.equal(secretFromBase32('not base32!'), undefined);
    assert.equal(secretFromBase32(''), undefined);
  });
});
