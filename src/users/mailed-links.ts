import { hashToken, newId, newToken } from '../crypto/random.ts';
import type { RequestContext } from '../domain/audit-event.ts';
import { isEmailAddress, foldLogin } from '../domain/login-name.ts';
import { linkSecondsOf } from '../domain/notice.ts';
import { Conflict, Fault } from '../errors.ts';
import type { Link, LinkPurpose } from './link-store.ts';
import { linkLifetimeSeconds } from './manage-users.ts';
import type { InUsersTransaction } from './stores.ts';

/** Links whose page is one button: looking at it uses nothing, and pressing it signs nobody in. */
export const confirmedPurposes = [
  'known-browser',
  'first-enrolment',
  'email-confirm',
  'sign-up',
] as const satisfies readonly LinkPurpose[];

export type ConfirmedLink =
  /** The browser that pressed the button is known from now on; the token is for its cookie. */
  | { readonly kind: 'browser-known'; readonly browserToken: string; readonly interaction: string | undefined }
  | { readonly kind: 'email-confirmed' }
  /** The address is somebody else's by now. */
  | { readonly kind: 'email-taken' }
  /** The account is made; this token sets its password and authenticator in one act. */
  | { readonly kind: 'signed-up'; readonly activationToken: string };

export type AddressChange = { readonly kind: 'sent' } | { readonly kind: 'invalid' };

/** Issues and redeems links that are mailed to people whose account, or address, is known. */
export function createMailedLinks(inTransaction: InUsersTransaction) {
  return {
    /**
     * A link that makes the browser in which it is opened known. Only for somebody whose password was proven in this
     * sign-in (`interaction`), and only to a verified address: answers false where there is none.
     */
    sendBrowserLink: (
      purpose: 'known-browser' | 'first-enrolment',
      userId: string,
      interaction: string,
      context: RequestContext,
    ): Promise<boolean> =>
      inTransaction(async ({ users, links, audit, outbox }) => {
        const user = await users.find(userId);
        if (user === undefined || user.email === null || !user.emailVerified) return false;
        const kind = `${purpose}-link` as const;
        const token = newToken();
        await links.voidOf(userId, purpose);
        await links.issue(hashToken(token), { purpose, userId, details: { interaction } }, linkSecondsOf(kind));
        const event = { actor: userId, target: userId, result: 'success', context } as const;
        await audit.record({ ...event, type: 'link.issued', details: { purpose } });
        await outbox.enqueue({ kind, userId, token, context });
        return true;
      }),

    /**
     * A person asks for another address: the link goes there, and nothing changes until it is used. The same answer
     * whether the address is free, so that nobody learns who is here. The caller has seen a fresh proof.
     */
    sendAddressLink: async (userId: string, email: string, context: RequestContext): Promise<AddressChange> => {
      const address = email.trim();
      if (!isEmailAddress(address)) return { kind: 'invalid' };
      await inTransaction(async ({ users, links, audit, outbox }) => {
        const owner = await users.findByLogin(address);
        const token = newToken();
        await links.voidOf(userId, 'email-confirm');
        const link = { purpose: 'email-confirm', userId, details: { email: address } } as const;
        await links.issue(hashToken(token), link, linkSecondsOf('email-confirm-link'));
        const event = { actor: userId, target: userId, result: 'success', context } as const;
        await audit.record({ ...event, type: 'link.issued', details: { purpose: link.purpose } });
        if (owner !== undefined && owner.id !== userId) return;
        await outbox.enqueue({ kind: 'email-confirm-link', userId, token, address, context });
      });
      return { kind: 'sent' };
    },

    /** What a link is for; uses nothing. Throws `Fault` (`link_used`, 410). */
    async open(token: string): Promise<Link> {
      const link = await inTransaction(({ links }) => links.peek(hashToken(token), confirmedPurposes));
      if (link === undefined) throw linkUsed();
      return link;
    },

    /** Does what the link is for, once. */
    confirm: async (token: string, context: RequestContext): Promise<ConfirmedLink> => {
      try {
        return await inTransaction(async (stores) => {
          const link = await stores.links.use(hashToken(token), confirmedPurposes);
          if (link === undefined) throw linkUsed();
          return redeem(stores, link, context);
        });
      } catch (error) {
        if (error instanceof Conflict) return { kind: 'email-taken' };
        throw error;
      }
    },
  };
}

type Stores = Parameters<Parameters<InUsersTransaction>[0]>[0];

async function redeem(stores: Stores, link: Link, context: RequestContext): Promise<ConfirmedLink> {
  const { purpose, userId, details = {} } = link;
  const email = details['email'] ?? '';
  if (purpose === 'sign-up') return signUp(stores, email, details['locale'] ?? null, context);
  const user = userId === null ? undefined : await stores.users.find(userId);
  if (user === undefined || user.disabledAt !== null) throw linkUsed();
  const event = { actor: user.id, target: user.id, result: 'success', context } as const;
  await stores.audit.record({ ...event, type: 'link.used', details: { purpose } });
  if (purpose === 'email-confirm') {
    const changed = user.email === null || foldLogin(user.email) !== foldLogin(email);
    await stores.users.setEmail(user.id, email, true);
    const personal = { email };
    await stores.audit.record({ ...event, type: changed ? 'email.changed' : 'email.confirmed', personal });
    if (changed) await stores.outbox.enqueue({ kind: 'email-changed', userId: user.id, context });
    return { kind: 'email-confirmed' };
  }
  const browserToken = newToken();
  await stores.knownBrowsers.insert(hashToken(browserToken), user.id, context.userAgent);
  await stores.audit.record({ ...event, type: 'lane.opened', details: { lane: 'known' } });
  return { kind: 'browser-known', browserToken, interaction: details['interaction'] };
}

/** The address stands for the name too, until the person is given another. */
async function signUp(
  { users, links, audit }: Stores,
  email: string,
  locale: string | null,
  context: RequestContext,
): Promise<ConfirmedLink> {
  const id = newId();
  const person = { id, username: email, email, emailVerified: true, passwordHash: null, roles: [], claims: {}, locale };
  await users.insert(person);
  const event = { actor: id, target: id, result: 'success', context } as const;
  await audit.record({ ...event, type: 'user.created', reason: 'sign-up' });
  const token = newToken();
  await links.issue(hashToken(token), { purpose: 'activation', userId: id }, linkLifetimeSeconds);
  return { kind: 'signed-up', activationToken: token };
}

function linkUsed(): Fault {
  return new Fault('link_used', 410, 'this link was used before or has expired');
}
