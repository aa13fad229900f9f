import { createServer, request as forward, type Server } from 'node:http';
import type { Composed } from '../../src/compose.ts';
import { freePort, startAgain, startService, type ServiceOptions, type TestService } from './service.ts';

/** Set by the matrix that runs the modules over three replicas with PostgreSQL and Redis. */
export const replicasVariable = 'CONFORMANCE_REPLICAS';

/** Set where one replica after the other is taken away and started anew meanwhile. */
export const chaosVariable = 'CONFORMANCE_CHAOS';
const betweenMilliseconds = 3000;

/** The service that a conformance plan is run against: one embedded process, or replicas behind a proxy. */
export async function startConformanceService(options: Pick<ServiceOptions, 'environment'> = {}): Promise<TestService> {
  const replicas = Number(process.env[replicasVariable] ?? 0);
  return replicas === 0 ? startService('embedded', options) : startBehindProxy(replicas, options);
}

async function startBehindProxy(replicas: number, { environment }: Pick<ServiceOptions, 'environment'>) {
  const issuer = `http://localhost:${await freePort()}`;
  const service = await startService('servers', { replicas, environment: { ...environment, ISSUER: issuer } });
  const proxy = await startRoundRobin(new URL(issuer).port, service.addresses);
  const chaos = process.env[chaosVariable] === undefined ? undefined : restartInTurn([...service.replicas]);
  return {
    ...service,
    issuer,
    // Nobody goes past the proxy.
    addresses: [issuer],
    async close() {
      proxy.close();
      proxy.closeAllConnections();
      await chaos?.stop();
      await service.close();
    },
  };
}

/** Takes replicas away one after the other, without waiting for what they do, and starts each anew on its port. */
function restartInTurn(replicas: Composed[]): { stop(): Promise<void> } {
  const over = new AbortController();
  const work = (async () => {
    for (let turn = 0; !over.signal.aborted; turn += 1) {
      await new Promise((done) => setTimeout(done, betweenMilliseconds));
      if (over.signal.aborted) break;
      // The first one's stores are the tests' own way in.
      const at = 1 + (turn % (replicas.length - 1));
      const replica = replicas[at];
      if (replica === undefined) break;
      await replica.close();
      replicas[at] = await startAgain(replica);
    }
  })();
  return {
    async stop() {
      over.abort();
      await work;
      await Promise.all(replicas.map((replica) => replica.close()));
    },
  };
}

/** Hands each request to the next replica in turn, whatever came before it; to the one after where that one is away. */
async function startRoundRobin(port: string, addresses: readonly string[]): Promise<Server> {
  let requests = 0;
  const proxy = createServer((request, response) => {
    const body: Buffer[] = [];
    request.on('data', (chunk: Buffer) => body.push(chunk));
    request.on('end', () => send(addresses.length));
    const send = (triesLeft: number): void => {
      const { hostname, port: at } = new URL(addresses[requests % addresses.length] ?? '');
      requests += 1;
      const headers = {
        ...request.headers,
        'x-forwarded-for': request.headers['x-forwarded-for'] ?? request.socket.remoteAddress,
      };
      const onward = forward({ hostname, port: at, path: request.url, method: request.method, headers }, (answer) => {
        response.writeHead(answer.statusCode ?? 502, { ...answer.headers, 'x-replica': at });
        answer.pipe(response);
      });
      onward.on('error', (error: NodeJS.ErrnoException) => {
        // Nothing reached a replica that took no connection; whatever else broke may have been done.
        if (error.code === 'ECONNREFUSED' && triesLeft > 0) send(triesLeft - 1);
        else response.destroy();
      });
      onward.end(Buffer.concat(body));
    };
  });
  await new Promise<void>((done) => proxy.listen(Number(port), done));
  return proxy;
}
