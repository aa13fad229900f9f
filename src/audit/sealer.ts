import type { SecretBox } from '../crypto/secret-box.ts';
import type { Logger } from '../logger.ts';
import type { InTransaction } from '../transaction.ts';
import { headOf, makeSeals } from './chain.ts';
import type { ChainedEvent, Seal, SealStore } from './seal-store.ts';

export interface SealerStores {
  readonly seals: SealStore;
  /** Hands the events of these seals to whoever is to hear of them, in the same transaction: each exactly once. */
  readonly publish?: (seals: readonly Seal[], events: readonly ChainedEvent[]) => Promise<void>;
}

export interface SealerDependencies {
  readonly inTransaction: InTransaction<SealerStores>;
  readonly secretBox: SecretBox;
  readonly logger: Pick<Logger, 'info' | 'error'>;
}

const mostAtOnce = 1000;
const intervalMilliseconds = 1000;
/** How many seals lie between two heads in the log: a head written down elsewhere proves that nothing was cut off. */
const sealsBetweenHeads = 1000;

export interface Sealer {
  /** Chains what is committed; answers how many events, 0 also where another replica is at it. */
  sealNow(): Promise<number>;
  start(): void;
  /** Ends after a running round. */
  stop(): Promise<void>;
}

/**
 * Chains the committed events, so that nobody can change, remove or move one without a trace. Sign-ins do not wait for
 * it, or for one another. Every replica runs one; a lock lets one of them work at a time.
 */
export function createSealer({ inTransaction, secretBox, logger }: SealerDependencies): Sealer {
  let timer: NodeJS.Timeout | undefined;
  let running: Promise<unknown> = Promise.resolve();
  let stopped = true;
  let logged = -sealsBetweenHeads;

  async function sealSome(): Promise<number> {
    const sealed = await inTransaction(async ({ seals: store, publish }) => {
      const begun = await store.begin(mostAtOnce);
      if (begun === undefined || begun.events.length === 0) return undefined;
      const seals = makeSeals(begun.last, begun.events, secretBox);
      await store.append(seals);
      await publish?.(seals, begun.events);
      return { count: begun.events.length, head: seals.at(-1) };
    });
    if (sealed === undefined) return 0;
    if (sealed.head !== undefined && sealed.head.number - logged >= sealsBetweenHeads) {
      logged = sealed.head.number;
      logger.info({ audit: headOf(sealed.head) }, 'the audit chain ends here');
    }
    return sealed.count;
  }

  async function sealNow(): Promise<number> {
    let total = 0;
    for (;;) {
      const count = await sealSome();
      total += count;
      if (count < mostAtOnce) return total;
    }
  }

  function schedule(): void {
    if (stopped) return;
    timer = setTimeout(() => {
      running = sealNow()
        .catch((error: unknown) => logger.error({ err: error }, 'the audit could not be sealed; it is tried again'))
        .finally(schedule);
    }, intervalMilliseconds);
    timer.unref();
  }

  return {
    sealNow,
    start() {
      if (!stopped) return;
      stopped = false;
      schedule();
    },
    async stop() {
      stopped = true;
      clearTimeout(timer);
      await running;
    },
  };
}
