import type { Clock } from '../../src/clock.ts';

/** The machine's clock, moved by as many seconds as the test says. Databases keep their own. */
export interface MovingClock extends Clock {
  move(seconds: number): void;
}

export function movingClock(seconds = 0): MovingClock {
  let moved = seconds * 1000;
  const milliseconds = (): number => Date.now() + moved;
  return {
    move(more) {
      moved += more * 1000;
    },
    now: () => new Date(milliseconds()),
    epochSeconds: () => Math.floor(milliseconds() / 1000),
    epochMilliseconds: milliseconds,
  };
}
