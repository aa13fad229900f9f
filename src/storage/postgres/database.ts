import { Kysely, PostgresDialect } from 'kysely';
import pg from 'pg';
import type { AtOnce, InTransaction } from '../../transaction.ts';
import { asStoreFault, isRetryable, isStalePlan } from './faults.ts';
import { inOneTrip, pipelined } from './pipelined.ts';
import { PreparingClient } from './preparing-client.ts';
import type { Tables } from './tables.ts';

export type DatabaseOptions =
  | {
      readonly url: string;
      readonly poolSize: number;
      readonly connectionTimeoutMilliseconds: number;
      readonly statementTimeoutMilliseconds: number;
      readonly lockTimeoutMilliseconds: number;
      /** Told about connections that break while idle; they would otherwise end the process. */
      readonly onConnectionError?: (error: Error) => void;
    }
  /** A folder, or `memory://` in tests. One connection; one process only. */
  | { readonly embeddedFolder: string };

export interface Database {
  readonly kysely: Kysely<Tables>;
  readonly embedded: boolean;
  /** How many connections there are, how many of them are idle, and how much work waits for one. */
  connections(): { readonly total: number; readonly idle: number; readonly waiting: number };
  close(): Promise<void>;
}

/** Opens PostgreSQL by its URL, or the embedded one by its folder. Every wait has a limit. */
export async function openDatabase(options: DatabaseOptions): Promise<Database> {
  return 'url' in options ? openServer(options) : openEmbedded(options.embeddedFolder);
}

function openServer(options: Extract<DatabaseOptions, { url: string }>): Database {
  const pool = new pg.Pool({
    connectionString: options.url,
    max: options.poolSize,
    connectionTimeoutMillis: options.connectionTimeoutMilliseconds,
    statement_timeout: options.statementTimeoutMilliseconds,
    lock_timeout: options.lockTimeoutMilliseconds,
    // The client's own limit, for a server or network that says nothing at all.
    query_timeout: options.statementTimeoutMilliseconds + 500,
    idleTimeoutMillis: 60_000,
    keepAlive: true,
    // What is asked for at once goes out at once, instead of each statement waiting for the answer to the one before.
    pipeline: true,
    Client: PreparingClient,
  });
  const onError = (error: Error): void => options.onConnectionError?.(error);
  pool.on('error', onError);
  pool.on('connect', (client) => client.on('error', onError));
  const kysely = new Kysely<Tables>({ dialect: new PostgresDialect({ pool }) });
  return {
    kysely,
    embedded: false,
    connections: () => countsOf(pool),
    close: () => kysely.destroy(),
  };
}

async function openEmbedded(folder: string): Promise<Database> {
  const [{ PGlite }, { createPgConfig }] = await Promise.all([
    import('@electric-sql/pglite'),
    import('@electric-sql/pglite/node-postgres'),
  ]);
  const pglite = await PGlite.create(folder);
  // Through the ordinary driver, so that types and errors are those of a server. One connection is all there is.
  const pool = new pg.Pool({ ...(createPgConfig(pglite) as object), max: 1, idleTimeoutMillis: 0, pipeline: true });
  pool.on('error', () => undefined);
  const kysely = new Kysely<Tables>({ dialect: new PostgresDialect({ pool }) });
  return {
    kysely,
    embedded: true,
    connections: () => countsOf(pool),
    async close() {
      await kysely.destroy();
      await pglite.close();
    },
  };
}

function countsOf({ totalCount, idleCount, waitingCount }: pg.Pool) {
  return { total: totalCount, idle: idleCount, waiting: waitingCount };
}

const transactionTries = 3;

/**
 * Transactions over `database` with the stores that `makeStores` builds on them. Serialization failures and deadlocks
 * are tried again, the whole work at once, three times at most; the database's other faults become `StoreUnavailable`.
 */
export function createInTransaction<Stores>(
  kysely: Kysely<Tables>,
  makeStores: (db: Kysely<Tables>) => Stores,
): InTransaction<Stores> {
  return tryingAgain((work) =>
    kysely.transaction().execute((transaction) => pipelined(transaction, (db) => work(makeStores(db)))),
  );
}

/** The same for work that asks for all its statements at once: one round trip. See `inOneTrip`. */
export function createInOneTrip<Stores>(
  kysely: Kysely<Tables>,
  makeStores: (db: Kysely<Tables>) => Stores,
): InTransaction<Stores> {
  return tryingAgain((work) => inOneTrip(kysely, (db) => work(makeStores(db))));
}

/** See `AtOnce`. Should one of them be asked again after a migration, so is the one that changes something. */
export function createAtOnce<Stores>(
  kysely: Kysely<Tables>,
  makeStores: (db: Kysely<Tables>) => Stores,
): AtOnce<Stores> {
  return (work) => guarded(() => kysely.connection().execute((held) => pipelined(held, (db) => work(makeStores(db)))));
}

function tryingAgain<Stores>(inTransaction: InTransaction<Stores>): InTransaction<Stores> {
  return async (work) => {
    for (let tried = 1; ; tried += 1) {
      try {
        return await inTransaction(work);
      } catch (error) {
        if (tried < transactionTries && isRetryable(error)) continue;
        throw asStoreFault(error);
      }
    }
  };
}

/**
 * Runs one statement outside a transaction, with the same faults. It is asked again only where it was prepared before a
 * migration, since nothing of it was carried out then.
 */
export async function guarded<Result>(work: () => Promise<Result>): Promise<Result> {
  for (let tried = 1; ; tried += 1) {
    try {
      return await work();
    } catch (error) {
      if (tried < transactionTries && isStalePlan(error)) continue;
      throw asStoreFault(error);
    }
  }
}
