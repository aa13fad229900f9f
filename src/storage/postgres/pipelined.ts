import {
  DummyDriver,
  Kysely,
  PostgresAdapter,
  PostgresIntrospector,
  PostgresQueryCompiler,
  Transaction,
  type DatabaseConnection,
  type Dialect,
} from 'kysely';
import type { Tables } from './tables.ts';

/** Only what a transaction's or a connection's own executor has no use for. */
const dialect: Dialect = {
  createAdapter: () => new PostgresAdapter(),
  createDriver: () => new DummyDriver(),
  createIntrospector: (db) => new PostgresIntrospector(db),
  createQueryCompiler: () => new PostgresQueryCompiler(),
};

/**
 * Runs `work` on the one connection of `held` (a transaction, or a reserved connection) so that statements asked for at
 * once go out at once, in this order. The query builder's own lets each wait for the answer to the one before, which is a
 * round trip each. Once `work` has ended no statement is taken any more: one that was asked for beside a failed one would
 * otherwise run beyond the ROLLBACK, and stay.
 */
export async function pipelined<Result>(
  held: Kysely<Tables>,
  work: (db: Kysely<Tables>) => Promise<Result>,
): Promise<Result> {
  const connection = await held.getExecutor().provideConnection((one) => Promise.resolve(one));
  let ended = false;
  const executor = held.getExecutor().withConnectionProvider({
    async provideConnection<Answer>(consumer: (one: DatabaseConnection) => Promise<Answer>): Promise<Answer> {
      if (ended) throw new Error('a statement was asked for after its transaction had ended');
      return consumer(connection);
    },
  });
  const props = { config: { dialect }, dialect, driver: dialect.createDriver(), executor };
  try {
    return await work(held.isTransaction ? new Transaction<Tables>(props) : new Kysely<Tables>(props));
  } finally {
    ended = true;
  }
}
