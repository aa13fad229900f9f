import { chmodSync, existsSync, unlinkSync } from 'node:fs';
import { createConnection, createServer, type Server, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import type { Services } from '../compose/services.ts';
import { Fault } from '../errors.ts';
import type { CommandIo, CommandOptions } from './command.ts';
import { commands } from './commands.ts';

type Answer = { out: string } | { checkpoint: number } | { progress: string } | { exit: number; error?: string };

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
  // The reader of lines takes these two for the end of one.
  const escape = (text: string): string => text.replaceAll('\u2028', '\\u2028').replaceAll('\u2029', '\\u2029');
  const say = (message: Answer): Promise<void> => write(socket, `${escape(JSON.stringify(message))}\n`);
  const lines = createInterface({ input: socket })[Symbol.asyncIterator]();
  try {
    const first = await lines.next();
    const { name, options } = JSON.parse(String(first.value)) as { name: string; options: CommandOptions };
    const command = Object.hasOwn(commands, name) ? commands[name] : undefined;
    if (command === undefined) throw new Fault('unknown_command', 400, `there is no command '${name}'`);
    await command(services, options, {
      lines: { [Symbol.asyncIterator]: () => lines },
      out: (out) => say({ out }),
      progress: (progress) => void say({ progress }),
      checkpoint: (checkpoint) => say({ checkpoint }),
    });
    await say({ exit: 0 });
  } catch (error) {
    await say({ exit: 1, error: error instanceof Fault ? error.message : 'the command failed; the log says why' });
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
  let unreadable: Error | undefined;
  void (async () => {
    try {
      for await (const line of io.lines) {
        if (socket.destroyed) return;
        await write(socket, `${line}\n`);
      }
      socket.end();
    } catch (error) {
      // What cannot be read ends the command; the service sees its input end.
      unreadable = error as Error;
      socket.destroy();
    }
  })();
  socket.on('error', () => socket.destroy());
  for await (const line of createInterface({ input: socket })) {
    const message = JSON.parse(line) as Answer;
    if ('out' in message) await io.out(message.out);
    else if ('checkpoint' in message) await io.checkpoint?.(message.checkpoint);
    else if ('progress' in message) io.progress(message.progress);
    else {
      socket.destroy();
      return message;
    }
  }
  if (unreadable !== undefined) throw unreadable;
  return { exit: 1, error: 'the service ended before it answered' };
}

/** Resolves when the other side keeps up, so that a stream of any length stays out of memory. */
async function write(socket: Socket, text: string): Promise<void> {
  if (socket.destroyed || socket.write(text)) return;
  await new Promise<void>((resolve) => {
    const done = (): void => {
      socket.off('drain', done);
      socket.off('close', done);
      resolve();
    };
    socket.once('drain', done);
    socket.once('close', done);
  });
}
