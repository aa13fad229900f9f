import type { Views } from '../http/views.ts';
import { createDispatcher } from '../notifications/dispatcher.ts';
import { PostgresLeftoverStore } from '../storage/postgres/leftover-store.ts';
import { PostgresOutboxQueue } from '../storage/postgres/outbox-queue.ts';
import { createMail } from './mail.ts';
import type { Services } from './services.ts';

export interface Deliveries {
  start(): void;
  /** Lets what is under way come to its end. */
  stop(): Promise<void>;
}

const looksForAbandonedEveryMilliseconds = 15_000;
const tidiesEveryMilliseconds = 600_000;
const mostTidied = 1000;

/** What leaves the service without being asked for: the outbox's items, and notices that time alone brings about. */
export function createDeliveries(services: Services, views: Views): Deliveries {
  const { clock, logger, database, secretBox, closeAbandoned } = services;
  const mail = createMail(services, views);
  const queue = new PostgresOutboxQueue(database.kysely, secretBox);
  const dispatcher = createDispatcher({ queue, deliver: { mail: mail.deliver }, clock, logger });
  const leftovers = new PostgresLeftoverStore(database.kysely);
  const timers: NodeJS.Timeout[] = [];
  let looking: Promise<unknown> = Promise.resolve();
  let tidying: Promise<unknown> = Promise.resolve();
  const look = (): void => {
    looking = closeAbandoned().catch((err: unknown) => logger.warn({ err }, 'abandoned challenges were not looked at'));
  };
  const tidy = (): void => {
    tidying = leftovers
      .destroy(mostTidied)
      .catch((err: unknown) => logger.warn({ err }, 'what nobody can use any more was not destroyed'));
  };
  return {
    start() {
      dispatcher.start();
      timers.push(setInterval(look, looksForAbandonedEveryMilliseconds).unref());
      timers.push(setInterval(tidy, tidiesEveryMilliseconds).unref());
    },
    async stop() {
      for (const timer of timers) clearInterval(timer);
      await Promise.all([dispatcher.stop(), looking, tidying]);
      mail.close();
    },
  };
}
