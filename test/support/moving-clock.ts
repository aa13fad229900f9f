import type { Clock } from '../../src/clock.ts';

/** The machine's clock, moved by as many seconds as the test says. Databases keep their own. */
export interface MovingClock extends Clock {
  move(seconds: number): void;
  /** Stands still at this moment (milliseconds since 1970), or goes on again. */
  freeze(epochMilliseconds: number | undefined): void;
}

export function movingClock(seconds = 0): MovingClock {
  let moved = seconds * 1000;
  let frozen: number | undefined;
  const milliseconds = (): number => frozen ?? Date.now() + moved;
  return {
    move(more) {
      moved += more * 1000;
    },
    freeze(at) {
      frozen = at;
    },
    now: () => new Date(milliseconds()),
    epochSeconds: () => Math.floor(milliseconds() / 1000),
    epochMilliseconds: milliseconds,
  };
}
