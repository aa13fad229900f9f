import type { IncomingMessage } from 'node:http';

const bodyMilliseconds = 30_000;
const timers = new WeakMap<IncomingMessage, NodeJS.Timeout>();

/** Ends a request whose body takes too long to come (against slow senders). */
export function limitBodyTime(request: IncomingMessage): void {
  const timer = setTimeout(() => {
    if (!request.complete) request.destroy();
  }, bodyMilliseconds);
  timer.unref();
  timers.set(request, timer);
  request.once('close', () => clearTimeout(timer));
}

/** Lifts that limit for a body that is long by right, once whoever sends it has been let in. */
export function takeLongBody(request: IncomingMessage): void {
  clearTimeout(timers.get(request));
}
