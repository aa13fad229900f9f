import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';

/** A wire between the service and a store that a test can freeze or cut, whatever processes stand behind it. */
export interface TcpProxy {
  /** The store's URL with the proxy's address in place of its own. */
  url: string;
  /** Bytes stop flowing, connections stay open; new ones are accepted and get no answer. */
  freeze(): void;
  /** Bytes flow again, those held back included. */
  thaw(): void;
  /** Ends every connection and refuses new ones until `restore`. */
  cut(): void;
  restore(): void;
  close(): Promise<void>;
}

/** Puts a wire of ours before the server of `targetUrl`. */
export async function startTcpProxy(targetUrl: string): Promise<TcpProxy> {
  const target = new URL(targetUrl);
  const pairs = new Set<[Socket, Socket]>();
  let frozen = false;
  let isCut = false;

  const server = createServer((inside) => {
    if (isCut) {
      inside.resetAndDestroy();
      return;
    }
    const outside = connect(Number(target.port), target.hostname);
    const pair: [Socket, Socket] = [inside, outside];
    pairs.add(pair);
    for (const [one, other] of [pair, [outside, inside] as const]) {
      one.on('data', (chunk) => other.write(chunk));
      one.on('end', () => other.end());
      one.on('error', () => other.destroy());
      one.on('close', () => {
        other.destroy();
        pairs.delete(pair);
      });
      if (frozen) one.pause();
    }
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the proxy has no port');
  const url = new URL(targetUrl);
  url.hostname = '127.0.0.1';
  url.port = String(address.port);

  const sockets = (): Socket[] => [...pairs].flat();
  const endAll = (): void => sockets().forEach((socket) => socket.destroy());
  return {
    url: url.href,
    freeze() {
      frozen = true;
      for (const socket of sockets()) socket.pause();
    },
    thaw() {
      frozen = false;
      for (const socket of sockets()) socket.resume();
    },
    cut() {
      isCut = true;
      endAll();
    },
    restore() {
      isCut = false;
    },
    async close() {
      endAll();
      server.close();
      await once(server, 'close');
    },
  };
}
