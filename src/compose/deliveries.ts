import type { Views } from '../http/views.ts';
import type { Deliver } from '../notifications/delivery.ts';
import { createDispatcher } from '../notifications/dispatcher.ts';
import { createSyslogDelivery } from '../notifications/syslog-delivery.ts';
import { createWebhookDelivery } from '../notifications/webhook-delivery.ts';
import { PostgresOutboxQueue } from '../storage/postgres/outbox-queue.ts';
import { createMail } from './mail.ts';
import type { Services } from './services.ts';

export interface Deliveries {
  start(): void;
  /** Lets what is under way come to its end. */
  stop(): Promise<void>;
}

/** What leaves the service without being asked for: the outbox's items. */
export function createDeliveries(
  services: Services,
  views: Views,
  { logout, ping }: { readonly logout: Deliver; readonly ping: Deliver },
): Deliveries {
  const { clock, logger, database, secretBox, settings, auditReader } = services;
  const mail = createMail(services, views);
  const queue = new PostgresOutboxQueue(database.kysely, secretBox);
  const { syslogUrl: url } = settings;
  const sender = { host: new URL(settings.issuer).hostname, processId: process.pid };
  const syslog = url === undefined ? undefined : createSyslogDelivery({ url, sender, auditReader });
  // A dispatcher for each: a receiver that does not answer keeps no mail and no logout waiting.
  const dispatchers = [
    { mail: mail.deliver, logout },
    ...(settings.ciba ? [{ ping }] : []),
    { webhook: createWebhookDelivery(services) },
    ...(syslog === undefined ? [] : [{ syslog: syslog.deliver }]),
  ].map((deliver) => createDispatcher({ queue, deliver, clock, logger }));
  return {
    start: () => dispatchers.forEach((dispatcher) => dispatcher.start()),
    async stop() {
      await Promise.all(dispatchers.map((dispatcher) => dispatcher.stop()));
      mail.close();
      syslog?.close();
    },
  };
}
