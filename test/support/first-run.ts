import { firstRun } from '../../src/compose/first-run.ts';
import type { TestService } from './service.ts';

/** What the service prints when it starts. */
export async function printedAtStart({ composed }: TestService): Promise<readonly string[]> {
  const lines: string[] = [];
  await firstRun(composed.services, (line) => lines.push(line));
  return lines;
}
