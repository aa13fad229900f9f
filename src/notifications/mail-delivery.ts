import type { Clock } from '../clock.ts';
import { linkRequestKind, noticeRules, type NoticeKind, type NoticeRule } from '../domain/notice.ts';
import type { User } from '../domain/user.ts';
import type { InTransaction } from '../transaction.ts';
import type { Deliver, OutboxItem } from './delivery.ts';
import type { MailTransport } from './mail-transport.ts';

/** What a mail tells; words and looks are the renderer's business. */
export interface MailFacts {
  readonly kind: NoticeKind;
  readonly name: string;
  readonly accountName: string;
  /** BCP 47; null where the person chose none. */
  readonly locale: string | null;
  readonly timeZone: string | null;
  readonly at: Date;
  readonly from: { readonly address: string; readonly userAgent: string } | undefined;
  readonly details: Readonly<Record<string, string | number>>;
  readonly link: { readonly href: string; readonly validSeconds: number } | undefined;
  readonly notMeHref: string | undefined;
}

export interface RenderedMail {
  readonly subject: string;
  readonly text: string;
  readonly html: string;
}

export interface MailStores {
  readonly users: { find(id: string): Promise<User | undefined> };
  /** Makes a "this was not me" link of 72 hours and answers its token. */
  readonly issueNotMeLink: (userId: string) => Promise<string>;
}

export interface MailDeliveryDependencies {
  readonly inTransaction: InTransaction<MailStores>;
  readonly render: (facts: MailFacts) => RenderedMail;
  readonly transport: MailTransport;
  /** A link that somebody asked for by typing a name; looked up here, where nobody can time it. */
  readonly answerRequest: (item: OutboxItem) => Promise<void>;
  /** Address of the service, without a slash at its end. */
  readonly issuer: string;
  readonly clock: Clock;
}

const actsOfOperators: ReadonlySet<NoticeKind> = new Set(['account-disabled', 'second-factor-reset']);

/** Whoever is not the owner does not choose in which language the owner is warned. */
const warnings: ReadonlySet<NoticeKind> = new Set([
  'browser-new',
  'challenge-abandoned',
  'codes-guessed',
  'lane-closed',
  'second-factor-closed',
  'sign-in-after-failures',
]);

/** Where the link of a kind leads; the token follows. */
const linkPaths: Readonly<Partial<Record<NoticeKind, string>>> = {
  'not-me-done': '/reset-password/',
  'password-reset-link': '/reset-password/',
  'activation-link': '/set-up/',
  'recovery-link': '/set-up/',
  'known-browser-link': '/link/',
  'first-enrolment-link': '/link/',
  'email-confirm-link': '/link/',
  'sign-up-link': '/link/',
};

/**
 * Delivers the outbox's mails: to the account's address, or to the one the row names. A "this was not me" link is made
 * at this moment and goes to verified addresses alone: it is a lever, and an address that nobody proved may be anyone's.
 */
export function createMailDelivery(dependencies: MailDeliveryDependencies): Deliver {
  const { inTransaction, render, transport, answerRequest, issuer, clock } = dependencies;

  return async (item) => {
    if (item.kind === linkRequestKind) {
      await answerRequest(item);
      return { kind: 'delivered' };
    }
    if (!Object.hasOwn(noticeRules, item.kind)) return { kind: 'give-up', error: 'there is no such kind of mail' };
    const kind = item.kind as NoticeKind;
    const rule: NoticeRule = noticeRules[kind];
    const {
      address,
      details = {},
      from,
      locale,
    } = item.payload as {
      address?: string;
      details?: Record<string, string | number>;
      from?: { address: string; userAgent: string };
      locale?: string;
    };
    const link = linkOf(item, kind, rule);
    if (link === 'gone') return { kind: 'give-up', error: 'the link of this mail expired before it could be sent' };
    const { user, notMe } = await inTransaction(async (stores) => {
      const found = item.userId === null ? undefined : await stores.users.find(item.userId);
      const proven = address !== undefined || found?.emailVerified === true;
      const lever = rule.notMe && proven && found !== undefined;
      return { user: found, notMe: lever ? await stores.issueNotMeLink(found.id) : undefined };
    });
    const to = address ?? user?.email ?? undefined;
    if (to === undefined) return { kind: 'give-up', error: 'the account has no address' };
    const accountName = user?.username ?? String(details['account'] ?? to);
    const read = warnings.has(kind) ? undefined : locale;
    const given = user?.claims['name'];
    const mail = render({
      kind,
      name: typeof given === 'string' && given !== '' ? given : accountName,
      accountName,
      locale: user?.locale ?? read ?? (typeof details['locale'] === 'string' ? details['locale'] : null),
      timeZone: user?.zoneinfo ?? null,
      at: item.createdAt,
      // An operator's address is no business of the person whom the act concerns.
      from: actsOfOperators.has(kind) ? undefined : from,
      details,
      link,
      notMeHref: notMe === undefined ? undefined : `${issuer}/not-me/${notMe}`,
    });
    return transport.send({ ...mail, id: item.id, kind, to, at: item.createdAt });
  };

  function linkOf(item: OutboxItem, kind: NoticeKind, rule: NoticeRule) {
    const path = linkPaths[kind];
    if (rule.linkSeconds === null || path === undefined) return undefined;
    const validSeconds = Math.floor(rule.linkSeconds - (clock.epochMilliseconds() - item.createdAt.getTime()) / 1000);
    if (item.secret === undefined || validSeconds <= 0) return 'gone' as const;
    return { href: `${issuer}${path}${item.secret}`, validSeconds };
  }
}
