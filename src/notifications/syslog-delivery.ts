import { connect as connectPlain, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import type { AuditReader } from '../audit/audit-log.ts';
import { showAuditEvent } from '../audit/export.ts';
import type { Deliver } from './delivery.ts';
import { frame, syslogMessage, type SyslogSender } from './syslog-message.ts';

export interface SyslogDeliveryDependencies {
  /** `syslog+tcp://host[:601]` or `syslog+tls://host[:6514]`. */
  readonly url: string;
  readonly sender: SyslogSender;
  readonly auditReader: Pick<AuditReader, 'find'>;
}

export interface SyslogDelivery {
  readonly deliver: Deliver;
  close(): void;
}

const waitMilliseconds = 5000;

/**
 * Sends each event as one record to a syslog server, over a connection that stays: TCP (RFC 6587) or TLS (RFC 5425), whose
 * certificate is checked. Syslog answers nothing; what the connection did not take, or ended before it was sent, is sent
 * again.
 */
export function createSyslogDelivery({ url, sender, auditReader }: SyslogDeliveryDependencies): SyslogDelivery {
  const { protocol, hostname, port: givenPort } = new URL(url);
  const isTls = protocol === 'syslog+tls:';
  const host = hostname.replace(/^\[|\]$/g, '');
  const port = givenPort === '' ? (isTls ? 6514 : 601) : Number(givenPort);
  let open: Promise<Socket> | undefined;

  function connection(): Promise<Socket> {
    return (open ??= connect());
  }

  function connect(): Promise<Socket> {
    return new Promise((resolve, reject) => {
      const socket = isTls ? connectTls({ host, port, servername: host }) : connectPlain({ host, port });
      const timer = setTimeout(() => socket.destroy(new Error('the syslog server did not answer')), waitMilliseconds);
      const forget = (): void => {
        clearTimeout(timer);
        open = undefined;
      };
      socket.setKeepAlive(true, 30_000);
      socket.on('error', (error) => {
        forget();
        reject(error);
      });
      socket.on('close', forget);
      // A server that ends its side takes nothing more, though the connection would let us write.
      socket.on('end', () => socket.destroy());
      // Nothing is expected; what comes is thrown away, so that it does not fill the connection.
      socket.resume();
      socket.on(isTls ? 'secureConnect' : 'connect', () => {
        clearTimeout(timer);
        resolve(socket);
      });
    });
  }

  function write(socket: Socket, bytes: Buffer): Promise<void> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => socket.destroy(new Error('the syslog server takes nothing')), waitMilliseconds);
      socket.write(bytes, (error) => {
        clearTimeout(timer);
        if (error) reject(error);
        else resolve();
      });
    });
  }

  return {
    async deliver({ payload }) {
      const event = typeof payload['event'] === 'string' ? await auditReader.find(payload['event']) : undefined;
      if (event === undefined) return { kind: 'give-up', error: 'the event is no longer kept' };
      try {
        await write(await connection(), frame(syslogMessage(showAuditEvent(event), sender)));
        return { kind: 'delivered' };
      } catch (error) {
        const { code } = error as { code?: unknown };
        return { kind: 'retry', error: typeof code === 'string' ? code : 'the syslog server could not be reached' };
      }
    },
    close() {
      open?.then((socket) => socket.destroy()).catch(() => {});
    },
  };
}
