import { AsyncLocalStorage } from 'node:async_hooks';
import type { Logger } from '../logger.ts';
import type { AnsweredMark } from './stores.ts';

/** How long a mark waits for others; a small part of the two seconds that it begins. */
const gatherMilliseconds = 100;
/** Marks in memory at most, waiting or being written. */
const mostHeld = 2000;

export interface AnsweredMarks {
  /** Notes it in memory alone: no answer waits for it, and no fault of the database reaches it. */
  note(mark: AnsweredMark): void;
  /** Writes what is there; to be called when no request runs any more. */
  close(): Promise<void>;
}

/**
 * When codes and rotated refresh tokens were answered, gathered for a tenth of a second and written in one trip.
 * A mark only shortens how long a reuse counts as the loser of a race (see adapter.ts): refused it is in any case, but
 * it ends the grant from two seconds after the answer on. Where the mark never comes to be, because the process died in
 * that tenth of a second, the write failed or there were too many, that begins ten seconds after the redemption.
 */
export function createAnsweredMarks(
  write: (marks: readonly AnsweredMark[]) => Promise<void>,
  logger: Pick<Logger, 'warn'>,
): AnsweredMarks {
  // The write belongs to no request.
  const outside = AsyncLocalStorage.snapshot();
  let waiting: AnsweredMark[] = [];
  let timer: NodeJS.Timeout | undefined;
  let writing: Promise<void> | undefined;
  let beingWritten = 0;

  async function writeAll(): Promise<void> {
    while (waiting.length > 0) {
      const marks = waiting;
      waiting = [];
      beingWritten = marks.length;
      try {
        await write(marks);
      } catch (err) {
        logger.warn({ err, marks: marks.length }, 'answered redemptions could not be marked; the longer bound holds');
      }
      beingWritten = 0;
    }
  }

  function begin(): Promise<void> {
    clearTimeout(timer);
    timer = undefined;
    writing ??= writeAll().finally(() => (writing = undefined));
    return writing;
  }

  return {
    note(mark) {
      if (waiting.length + beingWritten >= mostHeld) return;
      waiting.push(mark);
      timer ??= outside(() => setTimeout(() => void begin(), gatherMilliseconds));
    },
    close: begin,
  };
}
