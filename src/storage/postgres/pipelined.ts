import { DummyDriver, PostgresDialect, Transaction, type DatabaseConnection, type Kysely } from 'kysely';
import type { Tables } from './tables.ts';

// What the query builder wants of its parts beside the executor, which alone is used.
const dialect = new PostgresDialect({
  pool: async () => Promise.reject(new Error('a transaction has its connection')),
});
const parts = { config: { dialect }, dialect, driver: new DummyDriver() };

/**
 * The same transaction, except that statements asked for at once go out at once, and are done in that order: the query
 * builder's own sends each after the answer to the one before, a round trip apart.
 */
export function pipelined(transaction: Transaction<Tables>): Promise<Kysely<Tables>> {
  const executor = transaction.getExecutor();
  return executor.provideConnection(
    async (connection) =>
      new Transaction<Tables>({
        ...parts,
        executor: executor.withConnectionProvider({
          provideConnection: <Result>(use: (connection: DatabaseConnection) => Promise<Result>) => use(connection),
        }),
      }),
  );
}
