import { mkdirSync } from 'node:fs';
import { join } from 'node:path';

/** The project's top folder, whatever the working directory of the test. */
export const projectFolder = join(import.meta.dirname, '..', '..');

/** A folder under `.cache`, made when absent: what is fetched once and kept between runs. */
export function cacheFolder(...names: string[]): string {
  const folder = join(projectFolder, '.cache', ...names);
  mkdirSync(folder, { recursive: true });
  return folder;
}
