import type { Clock } from '../../clock.ts';
import type { AttemptLimit, AttemptStore } from '../attempt-store.ts';

const mostSubjects = 200_000;

export class InProcessAttemptStore implements AttemptStore {
  readonly #clock: Clock;
  readonly #counters = new Map<string, { count: number; endsAt: number }>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  async charge(limits: readonly AttemptLimit[]): Promise<number> {
    const now = this.#clock.epochMilliseconds();
    let wait = 0;
    for (const { subject, most } of limits) {
      const counter = this.#counters.get(subject);
      if (counter !== undefined && counter.endsAt > now && counter.count >= most) {
        wait = Math.max(wait, counter.endsAt - now);
      }
    }
    if (wait > 0) return Math.max(1, Math.ceil(wait / 1000));
    for (const { subject, windowSeconds } of limits) {
      const counter = this.#counters.get(subject);
      if (counter !== undefined && counter.endsAt > now) counter.count += 1;
      else this.#start(subject, now, windowSeconds);
    }
    return 0;
  }

  async clear(subject: string): Promise<void> {
    this.#counters.delete(subject);
  }

  #start(subject: string, now: number, windowSeconds: number): void {
    if (this.#counters.size >= mostSubjects) {
      for (const [key, { endsAt }] of this.#counters) if (endsAt <= now) this.#counters.delete(key);
      // Still full: the oldest goes. The durable charge behind these counters does not forget.
      const oldest = this.#counters.keys().next().value;
      if (this.#counters.size >= mostSubjects && oldest !== undefined) this.#counters.delete(oldest);
    }
    this.#counters.set(subject, { count: 1, endsAt: now + windowSeconds * 1000 });
  }
}
