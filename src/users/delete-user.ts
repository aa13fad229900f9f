import type { RequestContext } from '../domain/audit-event.ts';
import { Conflict, NotFound } from '../errors.ts';
import type { InTransaction } from '../transaction.ts';
import type { UsersStores } from './stores.ts';

export interface DeleteUserStores extends UsersStores {
  /** Destroys the key under which the record keeps what is personal of somebody. */
  readonly erasePerson: (userId: string) => Promise<void>;
}

/**
 * Deletes an account for good, by its person or an operator (`actor`): sessions, grants, factors and names go with the
 * row; the record stays, without anything that names the person. Throws `Conflict` (`last_operator`).
 */
export function createDeleteUser(inTransaction: InTransaction<DeleteUserStores>) {
  return (userId: string, actor: string, context: RequestContext): Promise<void> =>
    inTransaction(async (stores) => {
      const { users, audit, outbox } = stores;
      const user = await users.find(userId);
      if (user === undefined) throw new NotFound('no such user');
      if (user.roles.includes('operator') && user.disabledAt === null && (await users.countOperators()) <= 1) {
        throw new Conflict('last_operator', 'the last operator cannot be deleted');
      }
      // Before the row goes: relying parties are told of the ends of sessions, and the mail needs its address.
      await stores.endSessions(userId);
      if (user.email !== null && user.emailVerified) {
        const details = { account: user.username, ...(user.locale !== null && { locale: user.locale }) };
        await outbox.enqueue({ kind: 'account-deleted', userId, address: user.email, details, context });
      }
      const event = { actor, target: userId, result: 'success' as const };
      await audit.record({ ...event, type: 'user.deleted', context });
      await users.delete(userId);
      await stores.erasePerson(userId);
      // Under a key that is gone nothing of the request could be read: the event says no more than that it happened.
      await audit.record({
        ...event,
        type: 'user.erased',
        context: { requestId: context.requestId, address: '', userAgent: '' },
      });
    });
}
