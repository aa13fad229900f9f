import { mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { cacheFolder } from './paths.ts';

/**
 * Runs `work` while no other process of this checkout runs work under the same name: test files are processes of their
 * own, and what they fetch into `.cache` they share. A lock whose holder is dead is taken over.
 */
export async function withLock<T>(name: string, work: () => Promise<T>): Promise<T> {
  const folder = join(cacheFolder('locks'), name);
  while (!tryToTake(folder)) await sleep(100);
  try {
    return await work();
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function tryToTake(folder: string): boolean {
  try {
    mkdirSync(folder);
    writeFileSync(join(folder, 'holder'), String(process.pid));
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    if (holderIsDead(folder)) rmSync(folder, { recursive: true, force: true });
    return false;
  }
}

function holderIsDead(folder: string): boolean {
  let holder: number;
  try {
    holder = Number(readFileSync(join(folder, 'holder'), 'utf8'));
  } catch {
    return isOld(folder); // taken this instant or released, unless the holder died in between
  }
  if (!Number.isInteger(holder) || holder <= 0) return false;
  try {
    process.kill(holder, 0);
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ESRCH';
  }
}

function isOld(folder: string): boolean {
  const made = statSync(folder, { throwIfNoEntry: false })?.mtimeMs;
  return made !== undefined && Date.now() - made > 10_000;
}
