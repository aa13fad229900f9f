import { AsyncLocalStorage } from 'node:async_hooks';
import { channel } from 'node:diagnostics_channel';
import { Redis } from 'ioredis';
import pg from 'pg';
import { Batch } from '../../src/storage/postgres/batch.ts';

/** What requests asked of the stores. */
export interface Calls {
  /** Every statement sent to PostgreSQL, BEGIN and COMMIT included. */
  readonly statements: string[];
  /** How often something was sent to PostgreSQL: what one connection is asked in one turn travels together. */
  trips: number;
  readonly redisCommands: string[];
}

interface Driver {
  query(...given: unknown[]): unknown;
}

let counted: Calls | undefined;
const sending = new Set<Driver>();
const request = new AsyncLocalStorage<boolean>();

/** Counts on this process's way out to its stores, beside the drivers, which go on as they are. */
function listen(): void {
  channel('http.server.request.start').subscribe(() => request.enterWith(true));
  const client = pg.Client.prototype as unknown as Driver;
  const query = client.query;
  client.query = function counting(this: Driver, ...given: unknown[]) {
    const [first] = given;
    const texts =
      first instanceof Batch
        ? first.queries.map(({ text }) => text)
        : [typeof first === 'string' ? first : ((first as { text?: string }).text ?? '?')];
    // What the workers do in the background, such as the sending of mail, is no part of an answer.
    if (request.getStore() && counted !== undefined) {
      counted.statements.push(...texts);
      // BEGIN waits for the statement after it.
      if ((texts.length > 1 || texts[0] !== 'begin') && !sending.has(this)) {
        counted.trips += 1;
        sending.add(this);
        setImmediate(() => sending.delete(this));
      }
    }
    return query.apply(this, given);
  };
  const redis = Redis.prototype as unknown as { sendCommand(...given: unknown[]): unknown };
  const send = redis.sendCommand;
  redis.sendCommand = function counting(this: object, ...given: unknown[]) {
    counted?.redisCommands.push((given[0] as { name: string }).name);
    return send.apply(this, given);
  };
}

/** The calls that this process's answers to `work` take. */
export async function countCalls<Result>(work: () => Promise<Result>): Promise<Calls & { readonly result: Result }> {
  if (!listening) listen();
  listening = true;
  const calls: Calls = { statements: [], trips: 0, redisCommands: [] };
  counted = calls;
  try {
    const result = await work();
    return { result, ...calls };
  } finally {
    counted = undefined;
  }
}

let listening = false;

/** One line a call. */
export function describeCalls({ statements, trips, redisCommands }: Calls): string {
  const lines = statements.map((text) => `  ${text.replaceAll(/\s+/g, ' ').trim().slice(0, 160)}`);
  return [`  ${trips} trips`, ...lines, `  redis: ${redisCommands.join(' ')}`].join('\n');
}
