import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createAnsweredMarks } from '../../src/provider/answered-marks.ts';
import type { AnsweredMark } from '../../src/provider/stores.ts';
import { until } from '../support/until.ts';

const mark = (n: number): AnsweredMark => ({ kind: 'AuthorizationCode', idHash: `hash ${n}`, at: new Date(n) });
const silent = { warn: () => {} };

describe('marks of answered redemptions', () => {
  test('what is noted together is written together, by itself, and once', async () => {
    const written: (readonly AnsweredMark[])[] = [];
    const marks = createAnsweredMarks(async (some) => void written.push(some), silent);
    for (const n of [1, 2, 3]) marks.note(mark(n));
    assert.deepEqual(written, [], 'no answer waits for it');
    await until('the write', async () => written.length > 0, 2);
    await marks.close();
    assert.deepEqual(written, [[mark(1), mark(2), mark(3)]]);
  });

  test('what was noted before the end is written before the end', async () => {
    const written: (readonly AnsweredMark[])[] = [];
    const marks = createAnsweredMarks(async (some) => {
      written.push(some);
      if (written.length === 1) marks.note(mark(2));
    }, silent);
    marks.note(mark(1));
    await marks.close();
    assert.deepEqual(written, [[mark(1)], [mark(2)]]);
  });

  test('a write that fails is logged, and those after it succeed', async () => {
    const warned: unknown[] = [];
    const written: (readonly AnsweredMark[])[] = [];
    const marks = createAnsweredMarks(
      async (some) => {
        if (written.push(some) === 1) throw new Error('the database is away');
      },
      { warn: (...given: unknown[]) => void warned.push(given) },
    );
    marks.note(mark(1));
    await marks.close();
    marks.note(mark(2));
    await marks.close();
    assert.equal(warned.length, 1);
    assert.deepEqual(written.at(-1), [mark(2)]);
  });

  test('a database that does not answer fills no memory', async () => {
    const { promise: away, resolve: back } = Promise.withResolvers<void>();
    let count = 0;
    const marks = createAnsweredMarks(async (some) => {
      count += some.length;
      await away;
    }, silent);
    marks.note(mark(0));
    const ended = marks.close();
    for (let n = 1; n < 10_000; n += 1) marks.note(mark(n));
    back();
    await ended;
    assert.equal(count, 2000);
  });
});
