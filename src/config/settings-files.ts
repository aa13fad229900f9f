import { readFileSync, statSync } from 'node:fs';
import { loadSettings, type Environment, type LoadOutcome } from './load-settings.ts';

/**
 * The settings of an environment and of the files it names, as they lie on this machine. A secret in a file that every
 * user of the machine can read is a fault, but under `/run/secrets/`: there a container has its own, for itself alone.
 */
export function loadSettingsOf(environment: Environment): LoadOutcome {
  return loadSettings(environment, (path) => readFileSync(path, 'utf8'), isOpenToAll);
}

function isOpenToAll(path: string): boolean {
  return !path.startsWith('/run/secrets/') && (statSync(path).mode & 0o004) !== 0;
}
