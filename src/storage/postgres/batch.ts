import type { Writable } from 'node:stream';
import pg from 'pg';

/** What a query of the driver's does that its published types leave out. */
export interface DriverQuery {
  readonly text: string;
  prepare(connection: object): void;
  handleRowDescription(message: object): void;
  handleDataRow(message: object): void;
  handleCommandComplete(message: object, connection: object): void;
  handleError(error: Error, connection: object): void;
  handleReadyForQuery(connection: object): void;
  callback?: (error?: Error | null) => void;
}

interface Connection {
  readonly stream: Writable;
  sync(): void;
}

/**
 * Several queries with one Sync behind them all (the "pipelining" of PostgreSQL's extended query protocol). Each Sync
 * makes the server write an answer and this process read it; this way they travel together both ways. After an error the
 * server skips what is left, so that all of them count as failed; those before it are undone with their transaction.
 * The queries must have been parsed on the connection before, and their values be such as can be sent.
 */
export class Batch extends pg.Query {
  readonly queries: readonly DriverQuery[];
  #answered = 0;

  /** The driver's own limit for all of them, in milliseconds. */
  readonly query_timeout: number;

  constructor(queries: readonly DriverQuery[], timeoutMilliseconds: number) {
    super('');
    this.query_timeout = timeoutMilliseconds;
    this.queries = queries;
    // Where the driver hangs the end of its own time limit.
    (this as unknown as DriverQuery).callback = () => undefined;
  }

  override submit = (connection: unknown): void => {
    const { stream } = connection as Connection;
    const withoutSync = Object.create(connection as object, { sync: { value: () => undefined } }) as object;
    stream.cork();
    for (const query of this.queries) query.prepare(withoutSync);
    (connection as Connection).sync();
    stream.uncork();
  };

  handleRowDescription(message: object): void {
    this.queries[this.#answered]?.handleRowDescription(message);
  }

  handleDataRow(message: object): void {
    this.queries[this.#answered]?.handleDataRow(message);
  }

  handleCommandComplete(message: object, connection: object): void {
    this.queries[this.#answered]?.handleCommandComplete(message, connection);
    this.#answered += 1;
  }

  handleError(error: Error, connection: object): void {
    // Whose fault it is hears of it first.
    const failed = this.queries[this.#answered];
    failed?.handleError(error, connection);
    for (const query of this.queries) if (query !== failed) query.handleError(error, connection);
    (this as unknown as DriverQuery).callback?.(error);
  }

  handleReadyForQuery(connection: object): void {
    for (const query of this.queries) query.handleReadyForQuery(connection);
    (this as unknown as DriverQuery).callback?.();
  }
}
