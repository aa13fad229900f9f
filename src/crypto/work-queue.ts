import { ServiceBusy } from '../errors.ts';

export interface WorkQueue {
  run<Result>(work: () => Promise<Result>): Promise<Result>;
  /** What waits now, for the metrics. */
  readonly waiting: number;
  /** How many were turned away since the start. */
  readonly refused: number;
}

/**
 * Lets `mostInFlight` works run at once and `mostWaiting` wait; beyond that `ServiceBusy`. Hashing fills the thread
 * pool that name look-ups and files need too, so it must never be given all of it.
 */
export function createWorkQueue(mostInFlight: number, mostWaiting: number): WorkQueue {
  let inFlight = 0;
  let refused = 0;
  const waiting: (() => void)[] = [];
  return {
    get waiting() {
      return waiting.length;
    },
    get refused() {
      return refused;
    },
    async run(work) {
      if (inFlight >= mostInFlight) {
        if (waiting.length >= mostWaiting) {
          refused += 1;
          throw new ServiceBusy('too many passwords wait to be checked');
        }
        await new Promise<void>((resolve) => waiting.push(resolve));
      } else {
        inFlight += 1;
      }
      try {
        return await work();
      } finally {
        const next = waiting.shift();
        if (next === undefined) inFlight -= 1;
        else next();
      }
    },
  };
}
