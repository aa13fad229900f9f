import { verbatim } from './statement.ts';

/**
 * The commit of the statement that answers this does not wait for the disk. For what only issues something: should the
 * server lose power within the next moments, the person signs in again, and nothing that was spent, counted, ended or
 * recorded comes back. A later commit that waits takes this one with it. Never in a transaction that holds what must not
 * be lost.
 */
export const mayBeLost = verbatim(`set_config('synchronous_commit', 'off', true)`);
