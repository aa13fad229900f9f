import type { Logger } from '../logger.ts';

export interface PeriodicWork {
  /** For the log. */
  readonly name: string;
  readonly everySeconds: number;
  /** Safe on all replicas at once, and of bounded length. */
  readonly run: () => Promise<unknown>;
}

export interface Periodic {
  start(): void;
  /** Ends after what runs at the moment. */
  stop(): Promise<void>;
}

/**
 * Runs what is due again and again, each by its own clock and never beside itself. A failure is logged and tried again
 * at the next turn; it ends nothing.
 */
export function createPeriodic(works: readonly PeriodicWork[], logger: Pick<Logger, 'warn'>): Periodic {
  const timers = new Map<PeriodicWork, NodeJS.Timeout>();
  const running = new Map<PeriodicWork, Promise<void>>();
  let stopped = true;

  function schedule(work: PeriodicWork): void {
    if (stopped) return;
    const timer = setTimeout(() => {
      const turn = work
        .run()
        .catch((err: unknown) => logger.warn({ err, work: work.name }, 'periodic work failed; it is tried again'))
        .then(() => schedule(work));
      running.set(work, turn);
    }, work.everySeconds * 1000);
    timers.set(work, timer.unref());
  }

  return {
    start() {
      if (!stopped) return;
      stopped = false;
      for (const work of works) schedule(work);
    },
    async stop() {
      stopped = true;
      for (const timer of timers.values()) clearTimeout(timer);
      await Promise.all(running.values());
    },
  };
}
