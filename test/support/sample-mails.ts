import { noticeRules, type NoticeKind } from '../../src/domain/notice.ts';
import { createMails, type MailShown } from '../../src/http/mails.ts';
import { sampleNow } from './sample-pages.ts';
import { sampleViews } from './sample-server.ts';

export const mailKinds = Object.keys(noticeRules) as NoticeKind[];

/** Draws a mail in the samples' branding. */
export const drawMail = createMails(sampleViews, {
  now: () => sampleNow,
  epochSeconds: () => 0,
  epochMilliseconds: () => 0,
});

/** A mail of this kind, with all that such mails have. */
export function sampleMail(kind: NoticeKind, others: Partial<MailShown> = {}): MailShown {
  const { notMe, linkSeconds } = noticeRules[kind];
  return {
    kind,
    name: 'Ada',
    accountName: 'ada',
    locale: 'en',
    timeZone: 'Europe/Berlin',
    at: sampleNow,
    from: { address: '203.0.113.7', userAgent: 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Firefox/140.0' },
    details: { label: 'Phone', remaining: 3 },
    link: linkSeconds === null ? undefined : { href: 'https://id.example/link/t', validSeconds: linkSeconds },
    notMeHref: notMe ? 'https://id.example/not-me/t' : undefined,
    ...others,
  };
}
