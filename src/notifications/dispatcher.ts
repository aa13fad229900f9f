import type { Clock } from '../clock.ts';
import type { Logger } from '../logger.ts';
import type { Deliver, DeliveryOutcome, OutboxItem } from './delivery.ts';
import type { ClaimedItem, OutboxQueue, Settlement } from './outbox-queue.ts';

export interface DispatcherDependencies {
  readonly queue: OutboxQueue;
  /** Channels that this process delivers. */
  readonly deliver: Readonly<Partial<Record<OutboxItem['channel'], Deliver>>>;
  readonly clock: Clock;
  readonly logger: Logger;
}

export interface Dispatcher {
  start(): void;
  /** Lets deliveries that run come to their end. */
  stop(): Promise<void>;
}

const idleMilliseconds = 500;
const mostAtOnce = 10;
/** Longer than any delivery may take. */
const claimSeconds = 120;
const longestWaitSeconds = 3600;
/** What could not be delivered in three days is given up. */
const longestAgeMilliseconds = 3 * 86_400_000;

/**
 * Empties the outbox, on every replica at once: each item is claimed by one of them. A process that dies leaves its
 * claims to run out, so nothing is lost; what was sent in that moment is sent again and bears the same id.
 */
export function createDispatcher({ queue, deliver, clock, logger }: DispatcherDependencies): Dispatcher {
  const channels = Object.keys(deliver) as OutboxItem['channel'][];
  const ending = new AbortController();
  let wake = (): void => undefined;
  let running: Promise<void> | undefined;

  async function loop(): Promise<void> {
    while (!ending.signal.aborted) {
      let worked = false;
      try {
        const claimed = await queue.claim(channels, mostAtOnce, claimSeconds);
        worked = claimed.length > 0;
        await Promise.all(claimed.map(handle));
      } catch (err) {
        logger.warn({ err }, 'the outbox could not be read');
      }
      if (!worked && !ending.signal.aborted) await idle();
    }
  }

  function idle(): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, idleMilliseconds);
      wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  async function handle(claimed: ClaimedItem): Promise<void> {
    const { item } = claimed;
    let outcome: DeliveryOutcome;
    try {
      outcome = (await deliver[item.channel]?.(item)) ?? { kind: 'retry', error: 'no such channel' };
    } catch (err) {
      logger.warn({ err, item: item.id, kind: item.kind }, 'a delivery failed');
      outcome = { kind: 'retry', error: err instanceof Error ? err.name : 'unknown' };
    }
    const settlement = settlementOf(item, outcome);
    if (settlement.kind === 'failed' && outcome.kind !== 'delivered') {
      logger.warn({ item: item.id, kind: item.kind, reason: outcome.error }, 'a delivery was given up');
    }
    await queue.settle(claimed, settlement, outcome);
  }

  function settlementOf(item: OutboxItem, outcome: DeliveryOutcome): Settlement {
    if (outcome.kind === 'delivered') return outcome;
    const age = clock.epochMilliseconds() - item.createdAt.getTime();
    if (outcome.kind === 'give-up' || age > longestAgeMilliseconds) return { kind: 'failed' };
    return { kind: 'retry', afterSeconds: Math.min(longestWaitSeconds, 2 ** Math.min(item.tries + 1, 12)) };
  }

  return {
    start() {
      running ??= loop();
    },
    async stop() {
      ending.abort();
      wake();
      await running;
    },
  };
}
