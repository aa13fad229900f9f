import {
  CompiledQuery,
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

/**
 * A transaction in one round trip, COMMIT included: `work` asks for all its statements at once, none of which depends on
 * the answer to another, and nothing but a fault undoes them. A statement that must change something therefore has to
 * fail where it does not. What is asked for later is refused.
 */
export async function inOneTrip<Result>(
  kysely: Kysely<Tables>,
  work: (db: Kysely<Tables>) => Promise<Result>,
): Promise<Result> {
  return kysely.connection().execute(async (held) => {
    const connection = await held.getExecutor().provideConnection((one) => Promise.resolve(one));
    const send = (text: string) => connection.executeQuery<{ command?: string }>(CompiledQuery.raw(text));
    await send('begin');
    let ended = false;
    let failed = false;
    const executor = held.getExecutor().withConnectionProvider({
      async provideConnection<Answer>(consumer: (one: DatabaseConnection) => Promise<Answer>): Promise<Answer> {
        if (ended) throw new Error('a statement was asked for after its transaction was sent');
        return consumer(connection);
      },
    });
    // After all that is asked for now, and before any of it is sent.
    const committed = new Promise<boolean>((resolve, reject) => {
      process.nextTick(() => {
        ended = true;
        if (failed) resolve(false);
        else send('commit').then(({ rows }) => resolve(rows[0]?.command !== 'ROLLBACK'), reject);
      });
    });
    const props = { config: { dialect }, dialect, driver: dialect.createDriver(), executor };
    const asked = (async () => work(new Transaction<Tables>(props)))().catch((error: unknown) => {
      failed = true;
      throw error;
    });
    const [result, commit] = await Promise.allSettled([asked, committed]);
    if (result.status === 'fulfilled' && commit.status === 'fulfilled' && commit.value) return result.value;
    // COMMIT was not sent, skipped after an error, or rolled it back already, which makes this a mere notice.
    await send('rollback').catch(() => undefined);
    if (result.status === 'rejected') throw result.reason;
    throw commit.status === 'rejected' ? commit.reason : new Error('a fault was met and not told');
  });
}
