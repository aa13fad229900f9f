import { join, resolve } from 'node:path';
import { serveCommands } from './cli/control-socket.ts';
import { compose } from './compose.ts';
import { firstRun } from './compose/first-run.ts';
import { recordStart } from './compose/record-start.ts';
import { loadSettingsOf } from './config/settings-files.ts';
import { Fault } from './errors.ts';
import { createLogger } from './logger.ts';

const say = (line: string): void => void process.stderr.write(`${line}\n`);
const outcome = loadSettingsOf(process.env);
if (outcome.kind === 'faulty') {
  for (const fault of outcome.faults) say(fault);
  process.exit(78);
}
const { settings } = outcome;
const logger = createLogger(settings.logLevel);

try {
  const service = await compose({ settings, logger, onProgress: say });
  let ending = false;
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.on(signal, () => {
      // The second signal means now.
      if (ending) process.exit(1);
      ending = true;
      // Only who is asked to go by a program stands behind something that looks at /readyz.
      const drainSeconds = signal === 'SIGTERM' ? settings.drainSeconds : 0;
      // What the beginning records is recorded before its database is closed.
      Promise.allSettled([begun])
        .then(() => service.close({ drainSeconds }))
        .then(
          () => process.exit(0),
          () => process.exit(1),
        );
    });
  }
  const begun = begin();
  await begun;

  async function begin(): Promise<void> {
    const port = await service.listen();
    logger.info({ port, issuer: settings.issuer }, 'listening');
    await recordStart(service.services);
    const { folder } = service.services;
    if (folder !== undefined) serveCommands(join(resolve(settings.dataDir), 'control.sock'), service.services);
    await firstRun(service.services, say);
  }
} catch (error) {
  say(error instanceof Fault ? error.message : String((error as Error).stack));
  process.exit(1);
}
