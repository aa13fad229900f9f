import type { AttemptStore } from '../attempt-store.ts';
import { hashToken, newToken } from '../crypto/random.ts';
import type { RequestContext } from '../domain/audit-event.ts';
import { foldLogin, isEmailAddress, longestLogin } from '../domain/login-name.ts';
import { linkSecondsOf } from '../domain/notice.ts';
import type { User } from '../domain/user.ts';
import type { LinkRequest } from '../notifications/outbox.ts';
import type { InUsersTransaction, UsersStores } from './stores.ts';

export interface LinkRequestDependencies {
  readonly inTransaction: InUsersTransaction;
  readonly attempts: AttemptStore;
}

/** An outbox row that stands for a typed name. */
export interface StoredLinkRequest {
  readonly id: string;
  readonly payload: Readonly<Record<string, unknown>>;
}

/**
 * Links for whoever can do no more than type a name. Asking writes one row, the same for every name; only its delivery
 * looks the name up. How many mails a name brings is bounded here, per source and per name, and once more where they are
 * put into the outbox.
 */
export function createLinkRequests({ inTransaction, attempts }: LinkRequestDependencies) {
  return {
    async request(request: LinkRequest): Promise<void> {
      const login = foldLogin(request.login.slice(0, longestLogin + 1));
      if (login === '' || login.length > longestLogin) return;
      const wait = await attempts
        .charge([
          { subject: `link-address:${request.context.address}`, burst: 20, refillSeconds: 60 },
          { subject: `link-name:${request.purpose}:${login}`, burst: 3, refillSeconds: 1200 },
        ])
        // Without the shared counters nothing would bound the rows.
        .catch(() => 1);
      if (wait > 0) return;
      await inTransaction(({ outbox }) => outbox.enqueueLinkRequest({ ...request, login }));
    },

    /** Looks the name up and puts the mail it deserves, if any, into the outbox; then forgets what was typed. */
    answer: ({ id, payload }: StoredLinkRequest): Promise<void> =>
      inTransaction(async (stores) => {
        const { purpose, login, locale, from } = payload as Partial<LinkRequest> & {
          from?: { address: string; userAgent: string };
        };
        await stores.outbox.blank(id);
        if (typeof login !== 'string') return;
        const context = {
          requestId: '',
          address: from?.address ?? '',
          userAgent: from?.userAgent ?? '',
          ...(typeof locale === 'string' && { locale }),
        };
        const user = await stores.users.findByLogin(login);
        // An account that is there already: its owner gets the way back into it, and a stranger learns nothing.
        if (user !== undefined) return mailReset(stores, user, context);
        if (purpose === 'sign-up' && isEmailAddress(login)) {
          return mailSignUp(stores, login, typeof locale === 'string' ? locale : null, context);
        }
      }),
  };
}

async function mailReset(stores: UsersStores, user: User, context: RequestContext): Promise<void> {
  if (user.disabledAt !== null || user.email === null || !user.emailVerified) return;
  const token = newToken();
  const link = { purpose: 'password-reset', userId: user.id } as const;
  await stores.links.issue(hashToken(token), link, linkSecondsOf('password-reset-link'));
  const event = { actor: 'anonymous', target: user.id, result: 'success', context } as const;
  await stores.audit.record({ ...event, type: 'link.issued', details: { purpose: link.purpose } });
  await stores.outbox.enqueue({ kind: 'password-reset-link', userId: user.id, token, context });
}

async function mailSignUp(
  stores: UsersStores,
  address: string,
  locale: string | null,
  context: RequestContext,
): Promise<void> {
  const token = newToken();
  const details = { email: address, ...(locale !== null && { locale }) };
  await stores.links.issue(
    hashToken(token),
    { purpose: 'sign-up', userId: null, details },
    linkSecondsOf('sign-up-link'),
  );
  await stores.outbox.enqueueToStranger({ kind: 'sign-up-link', address, locale, token, context });
}
