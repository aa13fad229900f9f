import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { SetupFault } from '../errors.ts';

/**
 * Listens, and answers the port in use. Throws `SetupFault` (`port_unavailable`) where the system says no, with the
 * setting that names the port.
 */
export async function listen(server: Server, setting: string, port: number, host: string): Promise<number> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const why = error.code === 'EADDRINUSE' ? 'is taken by another program' : `cannot be opened (${error.code})`;
      const message = `${setting}: port ${port} on ${host} ${why}; set ${setting} to another`;
      reject(new SetupFault('port_unavailable', message, error));
    });
    server.listen(port, host, resolve);
  });
  return (server.address() as AddressInfo).port;
}
