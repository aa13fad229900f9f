import type { ObservedRequest } from '../http/app.ts';
import { createMetrics } from '../operations/metrics.ts';
import { createMetricsServer } from '../operations/metrics-server.ts';
import { createReadiness } from '../operations/readiness.ts';
import { inSpan } from '../operations/tracing.ts';
import { readBacklog } from '../storage/postgres/backlog.ts';
import type { Services } from './services.ts';

export interface Operations {
  readonly readiness: ReturnType<typeof createReadiness>;
  observe(request: ObservedRequest, work: () => Promise<void>): Promise<void>;
  start(): Promise<void>;
  stop(): Promise<void>;
}

/** What those who run the service see of it: readiness, metrics, traces. */
export function createOperations(services: Services): Operations {
  const { settings, clock, database, hasher, ping, onRecorded, logger } = services;
  const db = database.kysely;
  const probeDatabase = () => db.selectNoFrom((eb) => eb.lit(1).as('one')).execute();
  const readiness = createReadiness([probeDatabase, ping], () => clock.epochMilliseconds());
  // Counting costs nothing to speak of, but collectors of the process itself run only where somebody asks them.
  const metrics =
    settings.metricsPort === 0
      ? undefined
      : createMetrics(
          {
            connections: () => database.connections(),
            hashQueue: () => ({ waiting: hasher.waiting, refused: hasher.refused }),
            backlog: () => readBacklog(db),
          },
          () => clock.epochSeconds(),
        );
  const server = metrics && createMetricsServer(metrics, settings.metricsPort, settings.host);
  if (metrics !== undefined) onRecorded((events) => metrics.countEvents(events));

  return {
    readiness,
    async observe({ method, outcome }, work) {
      const begun = performance.now();
      try {
        await inSpan(method, work, () => {
          const { route, status } = outcome();
          return { 'http.request.method': method, 'http.route': route, 'http.response.status_code': status };
        });
      } finally {
        metrics?.countRequest({ method, ...outcome(), seconds: (performance.now() - begun) / 1000 });
      }
    },
    async start() {
      if (server !== undefined) logger.info({ port: await server.listen() }, 'metrics');
      readiness.begin();
    },
    async stop() {
      await server?.close();
      metrics?.close();
    },
  };
}
