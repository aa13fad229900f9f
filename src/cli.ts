import { join, resolve } from 'node:path';
import type { CommandIo, Run } from './cli/command.ts';
import { commands } from './cli/commands.ts';
import { askService } from './cli/control-socket.ts';
import { out, say, settingsOrExit } from './cli/terminal.ts';
import { createProgram } from './cli/program.ts';
import { openServices } from './compose/services.ts';
import { Fault } from './errors.ts';
import { createLogger } from './logger.ts';

// A reader that has seen enough (`| head`) is no fault of ours.
process.stdout.on('error', () => process.exit(0));

/** Runs a command here, or in the service that owns the embedded database. */
const run: Run = async (name, given, input = {}) => {
  const settings = settingsOrExit();
  const options = { ...given, json: program.opts<{ json?: boolean }>().json === true };
  const io: CommandIo = {
    lines: input.lines ?? (async function* () {})(),
    out: input.out ?? out,
    progress: say,
    ...(input.checkpoint && { checkpoint: input.checkpoint }),
  };
  if (settings.databaseUrl === undefined) {
    const answer = await askService(join(resolve(settings.dataDir), 'control.sock'), name, options, io);
    if (answer !== undefined) {
      if (answer.error !== undefined) say(`twofold: ${answer.error}`);
      process.exitCode = answer.exit;
      return;
    }
  }
  const { migrates = true } = input;
  const services = await openServices({ settings, logger: createLogger('error'), onProgress: say, migrates });
  try {
    await commands[name]?.(services, options, io);
  } finally {
    await services.close();
    services.folder?.release();
  }
};

const program = createProgram({ run, serve: () => void import('./main.ts') });
try {
  await program.parseAsync();
} catch (error) {
  say(`twofold: ${error instanceof Fault ? error.message : (error as Error).message}`);
  process.exitCode = 1;
}
