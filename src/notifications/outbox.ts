/** What people are told about their account, by mail. Closed list. */
export const noticeKinds = [
  'authenticator-added',
  'authenticator-removed',
  'recovery-code-used',
  'recovery-codes-replaced',
  'second-factor-reset',
  'codes-guessed',
  'lane-closed',
  'second-factor-closed',
  'password-changed',
  'activation-link',
  'recovery-link',
  'password-reset-link',
] as const;

export type NoticeKind = (typeof noticeKinds)[number];

export interface Notice {
  readonly kind: NoticeKind;
  readonly userId: string;
  readonly details?: Readonly<Record<string, string | number>>;
}

/** Mails to be sent; a row stands in the transaction of what it tells of, so nothing is told that did not happen. */
export interface Outbox {
  enqueue(notice: Notice): Promise<void>;
}
