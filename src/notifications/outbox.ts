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
}
