import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import {
  isSurge,
  challengeLifetimeSeconds,
  daySeconds,
  pacingSeconds,
  refusalOf,
  throttleLimits,
  unitProbability,
  type GuardState,
  type Lane,
} from '../../src/domain/throttle.ts';
import { charged, emptyGuard } from '../support/throttle-model.ts';

const limits = throttleLimits(1, 6);
if (limits === undefined) throw new Error('the default window has limits');

describe('the throttle', () => {
  test('B21 computes the cap from window and digits, and refuses windows that make guessing too easy', () => {
    assert.ok(unitProbability(1, 6) <= 3.0008e-6);
    const { cap, otherLaneShare, tellAt, changePasswordAt } = limits;
    assert.deepEqual([cap, otherLaneShare, tellAt, changePasswordAt], [150, 110, 30, 100]);
    assert.equal(throttleLimits(2, 6)?.cap, 90);
    assert.equal(throttleLimits(20, 6), undefined);
    assert.ok((throttleLimits(1, 8)?.cap ?? 0) > 10_000);
  });

  test('the bound holds: the cap times the chance of one unit stays under 0.05 %', () => {
    for (const [window, digits] of [
      [0, 6],
      [1, 6],
      [2, 6],
      [1, 8],
    ] as const) {
      const cap = throttleLimits(window, digits)?.cap ?? 0;
      assert.ok(cap * unitProbability(window, digits) <= 5e-4);
    }
  });

  test('waits 1, 5, 15 and 60 minutes after 5, 10, 15, 20 and more failures in a row', () => {
    assert.deepEqual([4, 5, 6, 10, 15, 20, 21, 49].map(pacingSeconds), [0, 60, 0, 300, 900, 3600, 3600, 3600]);
  });

  test('no sequence of sign-ins, failures, successes of the owner and pauses lets more through than the limits say', () => {
    const event = fc.oneof(
      {
        weight: 8,
        arbitrary: fc.record({ kind: fc.constant('guess' as const), lane: fc.constantFrom<Lane>('known', 'other') }),
      },
      {
        weight: 1,
        arbitrary: fc.record({ kind: fc.constant('owner' as const), lane: fc.constantFrom<Lane>('known', 'other') }),
      },
      {
        weight: 2,
        arbitrary: fc.record({ kind: fc.constant('pause' as const), seconds: fc.integer({ min: 1, max: 100_000 }) }),
      },
    );
    fc.assert(
      fc.property(fc.array(event, { maxLength: 800 }), (events) => {
        let now = 1_800_000_000;
        let guard = emptyGuard();
        let evaluated = 0;
        let evaluatedOther = 0;
        const inDay: Record<Lane, number[]> = { known: [], other: [] };
        let tries = 0;
        for (const each of events) {
          if (each.kind === 'pause') {
            now += each.seconds;
            continue;
          }
          const { lane } = each;
          if (each.kind === 'owner') {
            guard = {
              ...guard,
              lanes: { ...guard.lanes, [lane]: { ...guard.lanes[lane], inARow: 0, nextTryAt: null } },
            };
            tries = 0;
            continue;
          }
          if (tries >= 5) tries = 0;
          const challenge = { lane, tries, units: 0, closed: false, expiresAt: now + challengeLifetimeSeconds };
          if (refusalOf(guard, challenge, 1, now, limits, false) !== undefined) continue;
          tries += 1;
          evaluated += 1;
          if (lane === 'other') evaluatedOther += 1;
          inDay[lane].push(now);
          guard = charged(guard, lane, now);
        }
        assert.ok(evaluated <= limits.cap);
        assert.ok(evaluatedOther <= limits.otherLaneShare);
        for (const times of Object.values(inDay)) {
          // A day of the guard begins with its first unit, so any 24 hours touch two of them at most.
          for (const start of times) {
            const within = times.filter((at) => at >= start && at < start + daySeconds).length;
            assert.ok(within <= 2 * limits.dayUnits);
          }
        }
      }),
      { numRuns: 60 },
    );
  });

  test('B23 many guessed accounts are a surge; the slips of many honest people are none', () => {
    assert.equal(isSurge({ failed: 49, accepted: 0 }), false);
    assert.equal(isSurge({ failed: 50, accepted: 0 }), true);
    assert.equal(isSurge({ failed: 60, accepted: 1000 }), false);
    assert.equal(isSurge({ failed: 10_000, accepted: 1000 }), true);
  });

  test('a recovery code is held up by the waits, never by the cap or a closed lane', () => {
    const guard = emptyGuard();
    const full: GuardState = {
      total: limits.cap,
      lanes: { ...guard.lanes, other: { ...guard.lanes.other, units: limits.otherLaneShare, inARow: 50 } },
    };
    const challenge = { lane: 'other' as const, tries: 0, units: 0, closed: false, expiresAt: 10 };
    assert.equal(refusalOf(full, challenge, 1, 0, limits, false)?.kind, 'closed');
    assert.equal(refusalOf(full, challenge, 0, 0, limits, false), undefined);
    const waiting = { ...full, lanes: { ...full.lanes, other: { ...full.lanes.other, nextTryAt: 60 } } };
    assert.deepEqual(refusalOf(waiting, challenge, 0, 0, limits, false), { kind: 'wait', retryAfterSeconds: 60 });
  });
});
