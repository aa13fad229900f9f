import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { InvalidInput } from '../errors.ts';

/**
 * The lines of a file, or of standard input for `-` and undefined, after the first `skip` of them; in constant memory.
 * Made when it is read: an interface that waits for its reader has let the first lines, or the end, go by.
 */
export async function* linesOf(path: string | undefined, skip = 0): AsyncGenerator<string, void, void> {
  const standard = path === undefined || path === '-';
  if (!standard) await (await openToRead(path)).close();
  let number = 0;
  for await (const line of createInterface({ input: standard ? process.stdin : createReadStream(path) })) {
    number += 1;
    if (number > skip) yield line;
  }
}

/** A whole small file, or standard input for `-`. Throws `InvalidInput` where it cannot be read. */
export async function textOf(path: string): Promise<string> {
  const lines: string[] = [];
  for await (const line of linesOf(path)) lines.push(line);
  return lines.join('\n');
}

async function openToRead(path: string) {
  try {
    return await open(path, 'r');
  } catch (error) {
    throw new InvalidInput(
      'file',
      `${path} cannot be read: ${(error as NodeJS.ErrnoException).code ?? 'it is no file'}`,
    );
  }
}
