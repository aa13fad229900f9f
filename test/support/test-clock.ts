import type { Clock } from '../../src/clock.ts';

/** A clock that a test moves on; it starts some time ago, since the database takes no step of the future. */
export class TestClock implements Clock {
  #behindSeconds: number;

  constructor(behindSeconds = 3000) {
    this.#behindSeconds = behindSeconds;
  }

  advance(seconds: number): void {
    this.#behindSeconds -= seconds;
    if (this.#behindSeconds < 0) throw new Error('the test clock went past the real one');
  }

  now(): Date {
    return new Date(this.epochMilliseconds());
  }

  epochSeconds(): number {
    return Math.floor(this.epochMilliseconds() / 1000);
  }

  epochMilliseconds(): number {
    return Date.now() - this.#behindSeconds * 1000;
  }
}
