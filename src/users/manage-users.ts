import { hashToken, newId, newToken } from '../crypto/random.ts';
import type { RequestContext } from '../domain/audit-event.ts';
import { isEmailAddress, isUsername } from '../domain/login-name.ts';
import type { Role, User } from '../domain/user.ts';
import { Conflict, InvalidInput, NotFound } from '../errors.ts';
import type { LinkPurpose } from './link-store.ts';
import type { InUsersTransaction, UsersStores } from './stores.ts';

export interface UserRequest {
  readonly username: string;
  readonly email?: string | null;
  readonly emailVerified?: boolean;
  readonly roles?: readonly Role[];
  readonly claims?: Readonly<Record<string, unknown>>;
  readonly locale?: string | null;
}

export interface CreatedUser {
  readonly id: string;
  /** The token of a single-use link that sets password and authenticator in one act. */
  readonly activationToken: string;
}

export const linkLifetimeSeconds = 86_400;

/** What operators do with accounts. Nobody sets a password for somebody else. */
export function createManageUsers(inTransaction: InUsersTransaction) {
  return {
    create: (request: UserRequest, actor: string, context: RequestContext): Promise<CreatedUser> => {
      if (!isUsername(request.username)) {
        throw new InvalidInput('username', 'a user name is 1 to 254 printable characters without spaces');
      }
      const email = request.email ?? null;
      if (email !== null && !isEmailAddress(email)) throw new InvalidInput('email', 'this is no e-mail address');
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
        await stores.audit.record({ type: 'user.created', actor, target: id, result: 'success', context });
        return { id, activationToken: await issueLink(stores, 'activation', id) };
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

    setDisabled: (userId: string, disabled: boolean, actor: string, context: RequestContext): Promise<void> =>
      inTransaction(async ({ users, endSessions, audit }) => {
        const user = await users.find(userId);
        if (user === undefined) throw new NotFound('no such user');
        if (disabled && user.roles.includes('operator') && user.disabledAt === null) {
          if ((await users.countOperators()) <= 1) {
            throw new Conflict('last_operator', 'the last operator cannot be disabled');
          }
        }
        await users.setDisabled(userId, disabled);
        if (disabled) await endSessions(userId);
        const type = disabled ? 'user.disabled' : 'user.enabled';
        await audit.record({ type, actor, target: userId, result: 'success', context });
      }),
  };
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
