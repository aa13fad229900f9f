import type { Views } from '../http/views.ts';
import { createDispatcher } from '../notifications/dispatcher.ts';
import { PostgresOutboxQueue } from '../storage/postgres/outbox-queue.ts';
import { createMail } from './mail.ts';
import type { Services } from './services.ts';

export interface Deliveries {
  start(): void;
  /** Lets what is under way come to its end. */
  stop(): Promise<void>;
}

const looksForAbandonedEveryMilliseconds = 15_000;

/** What leaves the service without being asked for: the outbox's items, and notices that time alone brings about. */
export function createDeliveries(services: Services, views: Views): Deliveries {
  const { clock, logger, database, secretBox, closeAbandoned } = services;
  const mail = createMail(services, views);
  const queue = new PostgresOutboxQueue(database.kysely, secretBox);
  const dispatcher = createDispatcher({ queue, deliver: { mail: mail.deliver }, clock, logger });
  let timer: NodeJS.Timeout | undefined;
  let looking: Promise<unknown> = Promise.resolve();
  const look = (): void => {
    looking = closeAbandoned().catch((err: unknown) => logger.warn({ err }, 'abandoned challenges were not looked at'));
  };
  return {
    start() {
      dispatcher.start();
      timer = setInterval(look, looksForAbandonedEveryMilliseconds).unref();
    },
    async stop() {
      clearInterval(timer);
      await Promise.all([dispatcher.stop(), looking]);
      mail.close();
    },
  };
}
