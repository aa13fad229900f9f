import type { Server } from 'node:http';

const sweepMilliseconds = 50;

/**
 * Ends a server in order: no new connection, running requests come to their end and their connections with them, idle
 * ones are closed. What still runs after `graceSeconds` is cut.
 */
export async function drain(server: Server, graceSeconds: number): Promise<void> {
  // A connection that is kept alive would bring its next request here instead of to a replica that stays.
  server.prependListener('request', (_request, response) => response.setHeader('Connection', 'close'));
  const hardEnd = setTimeout(() => server.closeAllConnections(), graceSeconds * 1000);
  const sweep = setInterval(() => server.closeIdleConnections(), sweepMilliseconds);
  try {
    await new Promise<void>((resolve) => {
      server.close(() => resolve());
      server.closeIdleConnections();
    });
  } finally {
    clearTimeout(hardEnd);
    clearInterval(sweep);
  }
}
