import { daySeconds, pacingSeconds, type GuardState, type Lane } from '../../src/domain/throttle.ts';

/** A guard that nobody has touched. */
export function emptyGuard(): GuardState {
  const lane = { units: 0, inARow: 0, nextTryAt: null, dayStartedAt: null, dayUnits: 0 };
  return { total: 0, lanes: { known: lane, other: lane } };
}

/** What the database's conditional write does, in words of the rule. */
export function charged(guard: GuardState, lane: Lane, now: number): GuardState {
  const before = guard.lanes[lane];
  const sameDay = before.dayStartedAt !== null && before.dayStartedAt + daySeconds > now;
  const inARow = before.inARow + 1;
  const wait = pacingSeconds(inARow);
  return {
    total: guard.total + 1,
    lanes: {
      ...guard.lanes,
      [lane]: {
        units: before.units + 1,
        inARow,
        nextTryAt: wait > 0 ? now + wait : null,
        dayStartedAt: sameDay ? before.dayStartedAt : now,
        dayUnits: (sameDay ? before.dayUnits : 0) + 1,
      },
    },
  };
}
