import { createHash } from 'node:crypto';
import type { Writable } from 'node:stream';
import pg from 'pg';

/**
 * Prepares each distinct statement once a connection: parsing and planning cost more than most of ours run. And saves
 * round trips, which cost more still: BEGIN travels with the first statement after it, and statements that were asked
 * for in one turn travel together.
 */
export class PreparingClient extends pg.Client {
  #begun: { readonly answer: Promise<unknown>; readonly sendOff: () => void } | undefined;

  // The driver's overloads cannot be matched by one signature; the one in use is (text, values).
  override query(...args: unknown[]): never {
    const [text, values] = args;
    const send = super.query as (...all: unknown[]) => Promise<unknown>;
    if (typeof text !== 'string' || !Array.isArray(values) || args.length !== 2) return send.apply(this, args) as never;
    if (text === 'begin') return this.#begin(() => send.call(this, text)) as never;
    this.#gatherTurn();
    const sent = values.length > 0 ? send.call(this, { name: nameOf(text), text, values }) : send.call(this, text);
    const begun = this.#begun;
    if (begun === undefined) return sent as never;
    this.#begun = undefined;
    begun.sendOff();
    // Without its BEGIN no statement counts as done.
    return Promise.all([sent, begun.answer]).then(([result]) => result) as never;
  }

  /** Held back until the first statement is there, for a moment at most. */
  #begin(send: () => Promise<unknown>): Promise<unknown> {
    const sendOff = this.#holdBack();
    setImmediate(sendOff);
    const answer = send();
    // Told to whoever sends the first statement.
    answer.catch(() => undefined);
    this.#begun = { answer, sendOff };
    return Promise.resolve({ command: 'BEGIN', rowCount: null, rows: [] });
  }

  #gatherTurn(): void {
    process.nextTick(this.#holdBack());
  }

  /** Nothing is written until the function that is answered was called. */
  #holdBack(): () => void {
    const { stream } = (this as unknown as { connection: { stream: Writable } }).connection;
    let held = true;
    stream.cork();
    return () => {
      if (held) stream.uncork();
      held = false;
    };
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
