import { createServer, request as forward, type Server } from 'node:http';
import { freePort, startService, type ServiceOptions, type TestService } from './service.ts';

/** Set by the matrix that runs the modules over three replicas with PostgreSQL and Redis. */
export const replicasVariable = 'CONFORMANCE_REPLICAS';

/** The service that a conformance plan is run against: one embedded process, or replicas behind a proxy. */
export async function startConformanceService(options: Pick<ServiceOptions, 'environment'> = {}): Promise<TestService> {
  const replicas = Number(process.env[replicasVariable] ?? 0);
  return replicas === 0 ? startService('embedded', options) : startBehindProxy(replicas, options);
}

async function startBehindProxy(replicas: number, { environment }: Pick<ServiceOptions, 'environment'>) {
  const issuer = `http://localhost:${await freePort()}`;
  const service = await startService('servers', { replicas, environment: { ...environment, ISSUER: issuer } });
  const proxy = await startRoundRobin(new URL(issuer).port, service.addresses);
  return {
    ...service,
    issuer,
    async close() {
      proxy.close();
      proxy.closeAllConnections();
      await service.close();
    },
  };
}

/** Hands each request to the next replica in turn, whatever came before it. */
async function startRoundRobin(port: string, addresses: readonly string[]): Promise<Server> {
  let requests = 0;
  const proxy = createServer((request, response) => {
    const { hostname, port: at } = new URL(addresses[requests % addresses.length] ?? '');
    requests += 1;
    const headers = {
      ...request.headers,
      'x-forwarded-for': request.headers['x-forwarded-for'] ?? request.socket.remoteAddress,
    };
    const onward = forward({ hostname, port: at, path: request.url, method: request.method, headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, { ...answer.headers, 'x-replica': String(at) });
      answer.pipe(response);
    });
    onward.on('error', () => response.destroy());
    request.pipe(onward);
  });
  await new Promise<void>((done) => proxy.listen(Number(port), done));
  return proxy;
}
