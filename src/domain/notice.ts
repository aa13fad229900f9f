/** How a kind of mail behaves. */
export interface NoticeRule {
  /**
   * Carries a "this was not me" link, and goes to every address of the last 72 hours: something about the account
   * changed or was tried.
   */
  readonly notMe: boolean;
  /** Carries a single-use link of its own, whose token comes with the notice; how long it lives, or null. */
  readonly linkSeconds: number | null;
  /** How many of this kind one person gets within an hour; more are dropped, so that nobody can bomb a mailbox. */
  readonly mostPerHour: number;
}

const hour = 3600;
const day = 86_400;
const told: NoticeRule = { notMe: true, linkSeconds: null, mostPerHour: 10 };
const asked: NoticeRule = { notMe: false, linkSeconds: hour, mostPerHour: 3 };

/** What people are told by mail. Closed list. */
export const noticeRules = {
  'authenticator-added': told,
  'authenticator-removed': told,
  'recovery-code-used': told,
  'recovery-codes-replaced': told,
  'second-factor-reset': told,
  'challenge-abandoned': { ...told, mostPerHour: 2 },
  'codes-guessed': { ...told, mostPerHour: 2 },
  'lane-closed': { ...told, mostPerHour: 2 },
  'second-factor-closed': { ...told, mostPerHour: 2 },
  'browser-new': told,
  /** A sign-in succeeded after challenges that were left with wrong codes. */
  'sign-in-after-failures': { ...told, mostPerHour: 2 },
  'trusted-browser-added': told,
  /** A relying party asks whether it is this person who signs in elsewhere. */
  'sign-in-request': { ...told, notMe: false, mostPerHour: 20 },
  'password-changed': told,
  'email-changed': told,
  'account-disabled': { ...told, notMe: false },
  'account-deleted': { ...told, notMe: false },
  'not-me-done': { ...asked, linkSeconds: day, mostPerHour: 5 },
  'activation-link': { ...asked, linkSeconds: day, mostPerHour: 10 },
  'recovery-link': { ...asked, linkSeconds: day, mostPerHour: 10 },
  'password-reset-link': asked,
  'known-browser-link': asked,
  'first-enrolment-link': asked,
  'email-confirm-link': { ...asked, linkSeconds: day },
  'sign-up-link': { ...asked, linkSeconds: day },
} as const satisfies Readonly<Record<string, NoticeRule>>;

export type NoticeKind = keyof typeof noticeRules;

/** How long a changed password, address or second factor can be undone by "this was not me". */
export const undoHours = 72;

/** How long the link of a kind lives, in seconds; 0 where it has none. */
export function linkSecondsOf(kind: NoticeKind): number {
  return noticeRules[kind].linkSeconds ?? 0;
}

/** The kind of an outbox row that stands for a typed name, known or not, whose bearer wants a link. */
export const linkRequestKind = 'link-requested';
