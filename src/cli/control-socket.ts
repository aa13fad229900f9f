import { chmodSync, existsSync, unlinkSync } from 'node:fs';
import { createConnection, createServer, type Server, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import type { Services } from '../compose/services.ts';
import { Fault } from '../errors.ts';
import type { CommandIo, CommandOptions } from './command.ts';
import { commands } from './commands.ts';

type Answer = { out: string } | { progress: string } | { exit: number; error?: string };

/**
 * Serves commands on a socket in the data folder (mode 0600): one process owns the embedded database, so the command
 * line asks it. Whoever may open the socket owns the folder, and with it the database and its keys.
 */
export function serveCommands(path: string, services: Services): Server {
  if (existsSync(path)) unlinkSync(path);
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    socket.on('error', () => socket.destroy());
    void answer(socket, services).finally(() => socket.end());
  });
  const before = process.umask(0o177);
  server.listen(path, () => chmodSync(path, 0o600));
  process.umask(before);
  return server;
}

async function answer(socket: Socket, services: Services): Promise<void> {
  const say = (message: Answer): void => void socket.write(`${JSON.stringify(message)}\n`);
  const lines = createInterface({ input: socket })[Symbol.asyncIterator]();
  try {
    const first = await lines.next();
    const { name, options } = JSON.parse(String(first.value)) as { name: string; options: CommandOptions };
    const command = Object.hasOwn(commands, name) ? commands[name] : undefined;
    if (command === undefined) throw new Fault('unknown_command', 400, `there is no command '${name}'`);
    await command(services, options, {
      lines: { [Symbol.asyncIterator]: () => lines },
      out: (out) => say({ out }),
      progress: (progress) => say({ progress }),
    });
    say({ exit: 0 });
  } catch (error) {
    say({ exit: 1, error: error instanceof Fault ? error.message : 'the command failed; the log says why' });
    if (!(error instanceof Fault)) services.logger.error({ err: error }, 'a command failed');
  }
}

/** Runs a command in the service behind the socket; undefined where nothing listens there. */
export async function askService(
  path: string,
  name: string,
  options: CommandOptions,
  io: CommandIo,
): Promise<{ exit: number; error?: string } | undefined> {
  const socket = createConnection(path);
  const connected = await new Promise<boolean>((resolve) => {
    socket.once('connect', () => resolve(true));
    socket.once('error', () => resolve(false));
  });
  if (!connected) return undefined;
  socket.write(`${JSON.stringify({ name, options })}\n`);
  void (async () => {
    for await (const line of io.lines) socket.write(`${line}\n`);
    socket.end();
  })();
  for await (const line of createInterface({ input: socket })) {
    const message = JSON.parse(line) as Answer;
    if ('out' in message) io.out(message.out);
    else if ('progress' in message) io.progress(message.progress);
    else {
      socket.destroy();
      return message;
    }
  }
  return { exit: 1, error: 'the service ended before it answered' };
}
