import type { RequestContext } from '../domain/audit-event.ts';
import { noticeRules, type NoticeKind } from '../domain/notice.ts';

export type { NoticeKind };

/** What people are told about their account, by mail. Closed list. */
export const noticeKinds = Object.keys(noticeRules) as NoticeKind[];

export interface Notice {
  readonly kind: NoticeKind;
  readonly userId: string;
  /** Facts for the mail's words: a label, a count. */
  readonly details?: Readonly<Record<string, string | number>>;
  /** The bearer token of the mail's own link; stored sealed, and only until the mail is delivered. */
  readonly token?: string;
  /** When and from where: the mail says so. */
  readonly context?: RequestContext;
  /** An address to send to instead of the account's: one that is to be confirmed, or of an account that goes away. */
  readonly address?: string;
}

/**
 * Mails to be sent; a row stands in the transaction of what it tells of, so nothing is told that did not happen. Where
 * a person has had enough of a kind for this hour, it is dropped without a word.
 */
export interface Outbox {
  enqueue(notice: Notice): Promise<void>;
  /** A mail to an address that belongs to no account yet; the caller bounds how many. */
  enqueueToStranger(mail: {
    readonly kind: NoticeKind;
    readonly address: string;
    readonly locale: string | null;
    readonly token: string;
    readonly context: RequestContext;
  }): Promise<void>;
  /**
   * Somebody typed a name and wants a link. The row is the same whether anybody bears the name: it is looked up when the
   * row is delivered, so that the answer on the page and its time tell nothing.
   */
  enqueueLinkRequest(request: LinkRequest): Promise<void>;
  /** An announcement to a relying party that an answer is there (CIBA ping); `secret` is kept sealed. */
  enqueuePing(ping: { readonly userId: string; readonly clientId: string; readonly secret: string }): Promise<void>;
  /** Blanks a row's payload: what was typed into a field may have been a password. */
  blank(id: string): Promise<void>;
}

export interface LinkRequest {
  readonly purpose: 'password-reset' | 'sign-up';
  readonly login: string;
  /** The language of the page on which it was asked. */
  readonly locale: string | null;
  readonly context: RequestContext;
}
