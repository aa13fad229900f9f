import type { Compilable, Kysely, RawBuilder } from 'kysely';
import type pg from 'pg';
import { asStoreFault, isRetryable, sqlStateOf } from './faults.ts';
import type { Tables } from './tables.ts';

/** A statement that was not sent yet. */
export type Statement = Pick<Compilable, 'compile'> | RawBuilder<unknown>;

/**
 * Sends a transaction whole, BEGIN and COMMIT with its statements: one round trip, all or nothing. No statement can
 * depend on the answer to another, and only a fault undoes what came before it. Answers the rows of each.
 */
export type SendAtOnce = (statements: readonly Statement[]) => Promise<readonly (readonly unknown[])[]>;

const tries = 3;

/** Over the pool itself, since the query builder sends one statement of a connection after the answer to the other. */
export function createSendAtOnce(kysely: Kysely<Tables>, pool: pg.Pool): SendAtOnce {
  return async (statements) => {
    const compiled = statements.map((statement) => (statement as RawBuilder<unknown>).compile(kysely));
    for (let tried = 1; ; tried += 1) {
      try {
        return await sendOn(await pool.connect(), compiled);
      } catch (error) {
        if (tried < tries && isRetryable(error)) continue;
        throw asStoreFault(error);
      }
    }
  };
}

async function sendOn(
  client: pg.PoolClient,
  statements: readonly { readonly sql: string; readonly parameters: readonly unknown[] }[],
): Promise<readonly (readonly unknown[])[]> {
  const send = (text: string, values: readonly unknown[] = []) => client.query<object>(text, [...values]);
  const [only] = statements;
  const sent =
    only !== undefined && statements.length === 1
      ? [send(only.sql, only.parameters)]
      : [send('begin'), ...statements.map(({ sql, parameters }) => send(sql, parameters)), send('commit')];
  const answers = await Promise.allSettled(sent);
  // The first is the reason; those after it only say that the transaction was over.
  const failed = answers.find((answer) => answer.status === 'rejected');
  // Who said nothing in time may still be at work: nobody else gets this connection.
  let broken = failed !== undefined && sqlStateOf(failed.reason) === undefined;
  // After an error COMMIT was skipped or rolled it back; where nothing is left to roll back, this is only a notice.
  if (failed !== undefined && !broken)
    broken = await client.query('rollback').then(
      () => false,
      () => true,
    );
  client.release(broken);
  if (failed !== undefined) throw failed.reason;
  const rows = answers.map((answer) => (answer.status === 'fulfilled' ? answer.value.rows : []));
  return statements.length === 1 ? rows : rows.slice(1, -1);
}
