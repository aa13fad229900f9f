import { channel } from 'node:diagnostics_channel';
import { Conflict, Fault, InvalidInput, StoreUnavailable, storeFaultChannel } from '../../errors.ts';

const storeFaults = channel(storeFaultChannel);

/** SQLSTATE classes and codes after which the same work may be tried again at once. */
const retryable = new Set(['40001', '40P01']);
/**
 * Conditions of the server, not of the question: connection, resources, operator intervention, read-only, timeouts, and
 * a race that was lost every time it was tried.
 */
const unavailable = /^(08|53|57P|25006$|57014$|55P03$|40001$|40P01$)/;

/** The SQLSTATE of an error, or undefined. */
export function sqlStateOf(error: unknown): string | undefined {
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === 'string' ? code : undefined;
}

export function isRetryable(error: unknown): boolean {
  return retryable.has(sqlStateOf(error) ?? '') || isStalePlan(error);
}

/** A statement that was prepared before a migration changed what it answers. Nothing of it was carried out. */
export function isStalePlan(error: unknown): boolean {
  // Its SQLSTATE (0A000) stands for much else, and its words depend on the server's language.
  return (error as { routine?: unknown } | null)?.routine === 'RevalidateCachedQuery';
}

export function isUniqueViolation(error: unknown): boolean {
  return sqlStateOf(error) === '23505';
}

export function isForeignKeyViolation(error: unknown): boolean {
  return sqlStateOf(error) === '23503';
}

/** A driver's error as the fault that surfaces know; the SQL stays in `cause`, which is never shown. */
export function asStoreFault(error: unknown): unknown {
  if (error instanceof Fault) return error;
  const code = sqlStateOf(error);
  const message = error instanceof Error ? error.message : '';
  // Text that PostgreSQL cannot hold (a NUL above all) is the question's fault; nothing is stored under such a name.
  if (code === '22021' || code === '22P05') return new InvalidInput('', 'text holds a character that it must not hold');
  // No statement of ours divides but to fail where it changed nothing.
  if (code === '22012') return new Conflict('lost_race', 'another request was first');
  const connection =
    (code !== undefined && /^E[A-Z]+$/.test(code)) ||
    /timeout exceeded|Query read timeout|Connection terminated|Client has encountered a connection error|not queryable/i.test(
      message,
    );
  if (connection || (code !== undefined && unavailable.test(code))) {
    storeFaults.publish({ store: 'postgresql' });
    return new StoreUnavailable('the database did not answer in time', error);
  }
  return error;
}
