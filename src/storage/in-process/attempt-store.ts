import type { Clock } from '../../clock.ts';
import type { AttemptLimit, AttemptStore } from '../../attempt-store.ts';

const mostSubjects = 200_000;

/** A leaky bucket a subject, kept as the millisecond at which it is empty again. */
export class InProcessAttemptStore implements AttemptStore {
  readonly #clock: Clock;
  readonly #emptyAt = new Map<string, number>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  async charge(limits: readonly AttemptLimit[]): Promise<number> {
    const now = this.#clock.epochMilliseconds();
    let wait = 0;
    for (const { subject, burst, refillSeconds } of limits) {
      const emptyAt = Math.max(this.#emptyAt.get(subject) ?? 0, now);
      wait = Math.max(wait, emptyAt + refillSeconds * 1000 - now - burst * refillSeconds * 1000);
    }
    if (wait > 0) return Math.ceil(wait / 1000);
    for (const { subject, refillSeconds } of limits) {
      if (!this.#emptyAt.has(subject)) this.#makeRoom(now);
      this.#emptyAt.set(subject, Math.max(this.#emptyAt.get(subject) ?? 0, now) + refillSeconds * 1000);
    }
    return 0;
  }

  async clear(subject: string): Promise<void> {
    this.#emptyAt.delete(subject);
  }

  #makeRoom(now: number): void {
    if (this.#emptyAt.size < mostSubjects) return;
    for (const [subject, emptyAt] of this.#emptyAt) if (emptyAt <= now) this.#emptyAt.delete(subject);
    // Still full: the oldest goes. The durable charge behind these budgets does not forget.
    const oldest = this.#emptyAt.keys().next().value;
    if (this.#emptyAt.size >= mostSubjects && oldest !== undefined) this.#emptyAt.delete(oldest);
  }
}
