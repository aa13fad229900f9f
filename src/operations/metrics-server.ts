import { createServer, type Server } from 'node:http';
import { listen } from '../http/listen.ts';
import type { Metrics } from './metrics.ts';

export interface MetricsServer {
  /** Answers the port in use. */
  listen(): Promise<number>;
  close(): Promise<void>;
}

/** `/metrics` on a port of its own, so that no mistake at a proxy shows it to the world. */
export function createMetricsServer(metrics: Metrics, port: number, host: string): MetricsServer {
  const server: Server = createServer({ headersTimeout: 5000, requestTimeout: 10_000 }, (request, response) => {
    if (request.url !== '/metrics' || request.method !== 'GET') {
      response.writeHead(404).end();
      return;
    }
    metrics.expose().then(
      ({ contentType, text }) => response.writeHead(200, { 'Content-Type': contentType }).end(text),
      () => response.writeHead(500).end(),
    );
  });
  return {
    listen: () => listen(server, 'TWOFOLD_METRICS_PORT', port, host),
    async close() {
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}
