import { hashToken, newId, newToken } from '../crypto/random.ts';
import { serviceContext, type AuditDetails, type RequestContext } from '../domain/audit-event.ts';
import { isEmailAddress, isUsername } from '../domain/login-name.ts';
import type { Role, User } from '../domain/user.ts';
import { Conflict, Fault, InvalidInput, NotFound } from '../errors.ts';
import type { LinkPurpose } from './link-store.ts';
import type { InTransaction } from '../transaction.ts';
import type { ManageUsersStores, UsersStores } from './stores.ts';
import type { UserChange } from './user-store.ts';

export interface UserRequest {
  readonly username: string;
  readonly email?: string | null;
  readonly emailVerified?: boolean;
  readonly roles?: readonly Role[];
  readonly claims?: Readonly<Record<string, unknown>>;
  readonly locale?: string | null;
  readonly zoneinfo?: string | null;
}

export interface CreatedUser {
  readonly id: string;
  /** The token of a single-use link that sets password and authenticator in one act. */
  readonly activationToken: string;
}

export const linkLifetimeSeconds = 86_400;

/** What operators do with accounts. Nobody sets a password for somebody else. */
export function createManageUsers(inTransaction: InTransaction<ManageUsersStores>) {
  return {
    create: (request: UserRequest, actor: string, context: RequestContext): Promise<CreatedUser> => {
      const email = request.email ?? null;
      checkNames({ username: request.username, email });
      return inTransaction(async (stores) => {
        const id = newId();
        await stores.users.insert({
          id,
          username: request.username,
          email,
          emailVerified: request.emailVerified ?? false,
          passwordHash: null,
          roles: request.roles ?? [],
          claims: request.claims ?? {},
          locale: request.locale ?? null,
        });
        const fields = Object.keys(request).sort().join(' ');
        await stores.audit.record({
          type: 'user.created',
          actor,
          target: id,
          result: 'success',
          details: { fields },
          context,
        });
        const activationToken = await issueLink(stores, 'activation', id);
        if (email !== null)
          await stores.outbox.enqueue({ kind: 'activation-link', userId: id, token: activationToken });
        return { id, activationToken };
      });
    },

    find: async (idOrLogin: string): Promise<User> => {
      const user = await inTransaction(
        async ({ users }) => (await users.find(idOrLogin)) ?? users.findByLogin(idOrLogin),
      );
      if (user === undefined) throw new NotFound(`no user '${idOrLogin}'`);
      return user;
    },

    list: (limit: number, after: string | undefined): Promise<User[]> =>
      inTransaction(({ users }) => users.list(limit, after)),

    setDisabled: (userId: string, disabled: boolean, actor: string, context: RequestContext, reason?: string) =>
      inTransaction(async (stores) => {
        if (disabled) await keepAnOperator(stores, userId, 'the last operator cannot be disabled');
        if (!(await stores.users.setDisabled(userId, disabled))) throw new NotFound('no such user');
        if (disabled) {
          await stores.endSessions(userId);
          await stores.outbox.enqueue({ kind: 'account-disabled', userId, context });
        }
        const type = disabled ? 'user.disabled' : 'user.enabled';
        await stores.audit.record({ type, actor, target: userId, result: 'success', ...withReason(reason), context });
      }),

    /**
     * Changes attributes and roles, only where `expectedVersion` (If-Match) still stands. Roles are read anew with every
     * call and page, so a person who loses one is not signed out. Throws `NotFound`, `Conflict` (`login_taken`,
     * `last_operator`) and `Fault` 412 (`version_changed`).
     */
    update: (
      userId: string,
      change: UserChange,
      actor: string,
      context: RequestContext,
      expectedVersion?: number,
    ): Promise<User> => {
      checkNames(change);
      return inTransaction(async (stores) => {
        if (change.roles !== undefined && !change.roles.includes('operator')) {
          await keepAnOperator(stores, userId, 'the last operator cannot lose the role');
        }
        const before = await stores.users.find(userId);
        if (before === undefined) throw new NotFound('no such user');
        // A new address was proven by nobody yet, unless the operator says so.
        const readdressed = change.email !== undefined && change.email !== before.email;
        const wanted = readdressed ? { emailVerified: false, ...change } : change;
        const after = await stores.users.update(userId, wanted, expectedVersion);
        if (after === undefined) throw versionChanged();
        const fields = Object.keys(change).sort().join(' ');
        const event = { actor, target: userId, result: 'success' as const, context };
        const details = change.roles === undefined ? {} : { before: rolesOf(before), after: rolesOf(after) };
        await stores.audit.record({ ...event, type: 'user.changed', details: { fields, ...details } as AuditDetails });
        if (before.email !== after.email) {
          // Links that went to the old address belong to whoever reads it.
          await stores.links.voidAll(userId);
          await stores.audit.record({ ...event, type: 'email.changed' });
          await stores.outbox.enqueue({ kind: 'email-changed', userId, context });
        }
        return after;
      });
    },

    /**
     * Deletes the account with all that hangs on it, by its person or by an operator (`actor`). The record keeps what was
     * done, under the id, and nothing that names the person.
     */
    remove: (userId: string, actor: string, context: RequestContext, expectedVersion?: number): Promise<void> =>
      inTransaction(async (stores) => {
        await keepAnOperator(stores, userId, 'the last operator cannot be deleted');
        const user = await stores.users.find(userId);
        if (user === undefined) throw new NotFound('no such user');
        if (expectedVersion !== undefined && user.version !== expectedVersion) throw versionChanged();
        await stores.endSessions(userId);
        if (user.email !== null) {
          const details = { account: user.username, ...(user.locale !== null && { locale: user.locale }) };
          await stores.outbox.enqueue({ kind: 'account-deleted', userId, address: user.email, details, context });
        }
        await stores.users.remove(userId);
        const event = { actor, target: userId, result: 'success' as const };
        await stores.audit.record({ ...event, type: 'user.deleted', context });
        await stores.erasePerson(userId);
        // The key is gone: this event bears nothing that would need it.
        await stores.audit.record({ ...event, type: 'user.erased', context: serviceContext });
      }),

    /**
     * Another link that sets password and authenticator in one act, for an account that was never set up; older ones
     * are void. Throws `Conflict` (`already_set_up`): such an account is helped by a reset, which voids what was there.
     */
    issueActivationLink: (userId: string, actor: string, context: RequestContext, reason?: string): Promise<string> =>
      inTransaction(async (stores) => {
        const user = await stores.users.find(userId);
        if (user === undefined) throw new NotFound('no such user');
        if (user.passwordHash !== null || (await stores.hasFactor(userId))) {
          throw new Conflict('already_set_up', 'the account was set up; reset its second factor or its password');
        }
        const token = await issueAnew(stores, 'activation', userId, actor, context, reason);
        if (user.email !== null) await stores.outbox.enqueue({ kind: 'activation-link', userId, token });
        return token;
      }),

    /** A link that sets a new password; whoever opens it still needs the second factor to sign in. */
    issuePasswordReset: (userId: string, actor: string, context: RequestContext, reason?: string): Promise<string> =>
      inTransaction(async (stores) => {
        const user = await stores.users.find(userId);
        if (user === undefined) throw new NotFound('no such user');
        if (user.disabledAt !== null) throw new Conflict('user_disabled', 'the account is disabled');
        return issueAnew(stores, 'password-reset', userId, actor, context, reason);
      }),
  };
}

async function issueAnew(
  stores: UsersStores,
  purpose: LinkPurpose,
  userId: string,
  actor: string,
  context: RequestContext,
  reason?: string,
): Promise<string> {
  await stores.links.voidAll(userId);
  const token = await issueLink(stores, purpose, userId);
  await stores.audit.record({
    type: 'link.issued',
    actor,
    target: userId,
    result: 'success',
    details: { purpose },
    ...(reason === undefined ? {} : { reason }),
    context,
  });
  return token;
}

function checkNames({ username, email }: Pick<UserChange, 'username' | 'email'>): void {
  if (username !== undefined && !isUsername(username)) {
    throw new InvalidInput('username', 'a user name is 1 to 254 printable characters without spaces');
  }
  if (email != null && !isEmailAddress(email)) throw new InvalidInput('email', 'this is no e-mail address');
}

/** Throws `Conflict` (`last_operator`) where the act would leave nobody who can operate the service. */
async function keepAnOperator({ users }: UsersStores, userId: string, message: string): Promise<void> {
  const operators = await users.lockOperators();
  if (operators.length === 1 && operators[0] === userId) throw new Conflict('last_operator', message);
}

function rolesOf({ roles }: User): string {
  return [...roles].sort().join(' ');
}

function withReason(reason: string | undefined): { readonly reason?: string } {
  return reason === undefined ? {} : { reason };
}

function versionChanged(): Fault {
  return new Fault('version_changed', 412, 'somebody else changed this meanwhile');
}

/** Makes a link's token; only its hash is stored. */
export async function issueLink(
  stores: Pick<UsersStores, 'links'>,
  purpose: LinkPurpose,
  userId: string | null,
): Promise<string> {
  const token = newToken();
  await stores.links.issue(hashToken(token), { purpose, userId }, linkLifetimeSeconds);
  return token;
}
