import { once } from 'node:events';
import { createServer as createPlain, type AddressInfo, type Server, type Socket } from 'node:net';
import { createServer as createTls } from 'node:tls';

/** A syslog receiver that reads frames by counted octets, and nothing else of ours. */
export interface SyslogServer {
  readonly port: number;
  readonly records: readonly string[];
  close(): Promise<void>;
}

export async function startSyslogServer(
  port = 0,
  tls?: { readonly key: string; readonly cert: string },
): Promise<SyslogServer> {
  const records: string[] = [];
  const sockets = new Set<Socket>();
  const receive = (socket: Socket): void => {
    sockets.add(socket);
    socket.on('error', () => {});
    let waiting = Buffer.alloc(0);
    socket.on('data', (chunk: Buffer) => {
      waiting = Buffer.concat([waiting, chunk]);
      for (;;) {
        const [, digits] = /^([1-9]\d*) /.exec(waiting.subarray(0, 12).toString('latin1')) ?? [];
        if (digits === undefined) return;
        const end = digits.length + 1 + Number(digits);
        if (waiting.length < end) return;
        records.push(waiting.subarray(digits.length + 1, end).toString('utf8'));
        waiting = waiting.subarray(end);
      }
    });
  };
  const server: Server = tls === undefined ? createPlain(receive) : createTls(tls, receive);
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    records,
    async close() {
      for (const socket of sockets) socket.destroy();
      await new Promise((done) => server.close(done));
    },
  };
}

/** Takes a record apart as RFC 5424 section 6 says; throws where it is none. */
export function readRecord(text: string) {
  const [whole, id] = /^<\d{1,3}>1 \S+ \S+ \S+ \S+ (\S+) /.exec(text) ?? [];
  if (whole === undefined) throw new Error(`no header: ${text.slice(0, 100)}`);
  const structure = /^\[([^ =\]"]{1,32})((?: [^ =\]"]{1,32}="(?:[^"\\\]]|\\["\\\]])*")*)\]/;
  const fields: Record<string, string> = {};
  let structures = 0;
  let rest = text.slice(whole.length);
  for (let found = structure.exec(rest); found !== null; found = structure.exec(rest)) {
    structures += 1;
    for (const [, name = '', value = ''] of (found[2] ?? '').matchAll(/ ([^ =\]"]+)="((?:[^"\\\]]|\\["\\\]])*)"/g)) {
      fields[name] = value.replaceAll(/\\(["\\\]])/g, '$1');
    }
    rest = rest.slice(found[0].length);
  }
  if (structures === 0 || !rest.startsWith(' \u{FEFF}')) throw new Error(`no message: ${rest.slice(0, 100)}`);
  return { type: id, fields, structures, message: rest.slice(2) };
}
