import { createKeepAuditMonths } from '../audit/prune.ts';
import { createSealer } from '../audit/sealer.ts';
import type { Views } from '../http/views.ts';
import { createPeriodic } from '../operations/periodic-work.ts';
import { createDeliveries } from './deliveries.ts';
import type { Services } from './services.ts';

export interface Background {
  start(): void;
  stop(): Promise<void>;
}

/** What runs beside the requests, on every replica: chaining the record, sweeping, keeping months, and deliveries. */
export function createBackground(
  services: Services,
  views: Views,
  toRelyingParties: Parameters<typeof createDeliveries>[2],
): Background {
  const { inTransaction, secretBox, logger, closeAbandoned, encryptionKeys, settings, sweepExpired } = services;
  const sealer = createSealer({
    inTransaction: (work) =>
      inTransaction((stores) =>
        work({
          ...stores,
          publish: (_seals, events) => stores.eventSinks.enqueue(events, settings.syslogUrl !== undefined),
        }),
      ),
    secretBox,
    logger,
  });
  const deliveries = createDeliveries(services, views, toRelyingParties);
  const periodic = createPeriodic(
    [
      { name: 'abandoned challenges', everySeconds: 15, run: closeAbandoned },
      { name: 'expired rows', everySeconds: 60, run: sweepExpired },
      { name: 'sealing key', everySeconds: 5, run: encryptionKeys.chooseSealingKey },
      { name: 'sealing anew', everySeconds: 60, run: encryptionKeys.resealWhereNeeded },
      { name: 'months of the record', everySeconds: 3600, run: createKeepAuditMonths(inTransaction) },
    ],
    logger,
  );
  return {
    start() {
      sealer.start();
      deliveries.start();
      periodic.start();
    },
    async stop() {
      await Promise.all([deliveries.stop(), periodic.stop()]);
      // Last, so that what the others recorded is chained too.
      await sealer.stop();
    },
  };
}
