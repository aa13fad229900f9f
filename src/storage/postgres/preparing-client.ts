import { createHash } from 'node:crypto';
import type { Writable } from 'node:stream';
import pg from 'pg';
import utils from 'pg/lib/utils.js';
import { Batch, type DriverQuery } from './batch.ts';
import { isStalePlan } from './faults.ts';

/** A statement that was asked for and not sent yet. */
interface Asked {
  readonly text: string;
  readonly values: readonly unknown[];
  readonly answer: (error: Error | null | undefined, result?: unknown) => void;
}

interface Connection {
  readonly stream: Writable;
  readonly parsedStatements: Readonly<Record<string, string | undefined>>;
}

interface Internals {
  readonly connection: Connection;
  /** Milliseconds, or false. */
  readonly connectionParameters: { readonly query_timeout: number | false };
}

type Send = (...all: unknown[]) => unknown;

/** Those without values that others travel with; the driver sends any other such text in a way that none can join. */
const transactional = new Set(['begin', 'commit', 'rollback']);

/**
 * Prepares each distinct statement once a connection: parsing and planning cost more than most of ours run. And saves
 * round trips, which cost more still: BEGIN travels with the first statement after it, and statements that were asked
 * for in one turn travel together, with one answer to them all where the connection knows them.
 */
export class PreparingClient extends pg.Client {
  #asked: Asked[] = [];
  #generation = 0;

  // The driver's overloads cannot be matched by one signature; the one in use is (text, values).
  override query(...args: unknown[]): never {
    const [text, values] = args;
    if (typeof text !== 'string' || !Array.isArray(values) || args.length !== 2) {
      this.#sendAsked();
      return (super.query as Send).apply(this, args) as never;
    }
    return this.#ask(text, values) as never;
  }

  #ask(text: string, values: readonly unknown[]): Promise<unknown> {
    const begins = text === 'begin';
    // BEGIN waits for the first statement after it, for a moment at most.
    if (begins) setImmediate(() => this.#sendAsked());
    else process.nextTick(() => this.#sendAsked());
    const asked = new Promise((resolve, reject) => {
      // What cannot be sent fails here, before what was asked for beside it is sent without it.
      const sendable = values.map((value) => utils.prepareValue(value));
      const generation = this.#generation;
      const answer: Asked['answer'] = (error, result) => {
        // Once, however many of a batch are told.
        if (isStalePlan(error) && generation === this.#generation) this.#generation += 1;
        if (error) reject(error);
        else resolve(result);
      };
      this.#asked.push({ text, values: sendable, answer });
    });
    if (!begins) return asked;
    // Told to whoever asked for the first statement.
    asked.catch(() => undefined);
    return Promise.resolve({ command: 'BEGIN', rowCount: null, rows: [] });
  }

  #sendAsked(): void {
    const asked = this.#asked;
    if (asked.length === 0) return;
    this.#asked = [];
    const { connection, connectionParameters } = this as unknown as Internals;
    const { stream, parsedStatements } = connection;
    const known = asked.every(({ text, values }) =>
      values.length > 0 ? parsedStatements[this.#nameOf(text)] !== undefined : transactional.has(text),
    );
    const send = super.query as Send;
    // The driver's own limit counts from when it sends; the server's is on each statement, one after the other.
    const limit = (connectionParameters.query_timeout || 0) * asked.length;
    if (known) {
      send.call(
        this,
        new Batch(
          asked.map((one) => this.#asQuery(one)),
          limit,
        ),
      );
      return;
    }
    stream.cork();
    let before: Promise<unknown> = Promise.resolve();
    asked.forEach(({ text, values, answer }, index) => {
      const named = values.length > 0 ? { name: this.#nameOf(text), text, values } : { text };
      const sent = send.call(this, { ...named, query_timeout: limit }) as Promise<unknown>;
      sent.catch(() => undefined);
      // Told in their order, so that the first fault is the first that anybody hears of. Without its BEGIN no statement
      // counts as done.
      const afterBegin = index === 1 && asked[0]?.text === 'begin' ? before : before.catch(() => undefined);
      before = afterBegin.then(() => sent);
      before.then((result) => answer(null, result), answer);
    });
    before.catch(() => undefined);
    stream.uncork();
  }

  /** After a migration what was prepared before it may answer no more: it is prepared again, under another name. */
  #nameOf(text: string): string {
    return this.#generation === 0 ? nameOf(text) : `${nameOf(text)}.${this.#generation}`;
  }

  #asQuery({ text, values, answer }: Asked): DriverQuery {
    const query =
      values.length > 0 ? { name: this.#nameOf(text), text, values: [...values] } : { text, queryMode: 'extended' };
    return new (pg.Query as unknown as new (query: object, answer: Asked['answer']) => DriverQuery)(query, answer);
  }
}

const names = new Map<string, string>();

function nameOf(text: string): string {
  let name = names.get(text);
  if (name === undefined) {
    name = `t${createHash('sha256').update(text).digest('base64url').slice(0, 20)}`;
    if (names.size < 2000) names.set(text, name);
  }
  return name;
}
