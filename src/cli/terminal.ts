import { loadSettingsOf } from '../config/settings-files.ts';
import type { Settings } from '../config/settings-table.ts';

/** The variables of whoever called the command: settings, and secrets named by a file of theirs. */
export const environment: Readonly<Record<string, string | undefined>> = process.env;

export const say = (line: string): void => void process.stderr.write(`${line}\n`);
/** Resolves once the reader keeps up, so that a long result stays out of memory. */
export async function out(line: string): Promise<void> {
  if (process.stdout.write(`${line}\n`)) return;
  await new Promise<void>((resolve) => process.stdout.once('drain', () => resolve()));
}

/** The settings of this process; ends it with status 78 and every fault where they are wrong. */
export function settingsOrExit(): Settings {
  const outcome = loadSettingsOf(environment);
  if (outcome.kind === 'loaded') return outcome.settings;
  for (const fault of outcome.faults) say(fault);
  process.exit(78);
}
