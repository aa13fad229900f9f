import { Readable } from 'node:stream';
import { spec } from 'node:test/reporters';
import type { TestEvent } from 'node:test/reporters';

/**
 * Node's `spec` report, closed by one line of totals for people and programs: "N passed, N failed". A test that was
 * skipped or marked as to do counts as failed here: the suite has none.
 */
export default async function* report(source: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  let totals: Record<string, number> | undefined;
  async function* watched(): AsyncGenerator<TestEvent> {
    for await (const event of source) {
      if (event.type === 'test:summary' && event.data.file === undefined) totals = { ...event.data.counts };
      yield event;
    }
  }
  for await (const chunk of Readable.from(watched()).compose(new spec())) yield String(chunk);
  if (totals === undefined) return;
  const passed = totals['passed'] ?? 0;
  const others = (totals['tests'] ?? 0) - passed;
  if ((totals['skipped'] ?? 0) + (totals['todo'] ?? 0) > 0) process.exitCode = 1;
  yield `\n${passed} passed, ${others} failed\n`;
}
