import type { Clock } from '../clock.ts';
import { accentInMails } from './branding.ts';
import { createPageWords, type Scene } from './page-words.ts';
import type { Views } from './views.ts';

/** What a mail tells. */
export interface MailShown {
  /** One of the kinds that have words: `mail.<kind>.subject`, `.text`, and `mail.act.<kind>` where it has a link. */
  readonly kind: string;
  readonly name: string;
  readonly accountName: string;
  readonly locale: string | null;
  readonly timeZone: string | null;
  readonly at: Date;
  readonly from?: { readonly address: string; readonly userAgent: string } | undefined;
  readonly details: Readonly<Record<string, string | number>>;
  readonly link?: { readonly href: string; readonly validSeconds: number } | undefined;
  readonly notMeHref?: string | undefined;
}

/** Draws mails in the pages' design and the person's language, as HTML and as plain text that says the same. */
export function createMails(views: Views, clock: Clock) {
  const accent = accentInMails(views.brand.accent);
  return (mail: MailShown): { subject: string; text: string; html: string } => {
    const language = views.languages.choose({ personLocale: mail.locale });
    const scene: Scene = { language, timeZone: mail.timeZone ?? 'UTC', now: clock.now(), requestId: '' };
    const words = createPageWords(scene, views.brand);
    const { t } = words;
    const { label, remaining } = mail.details;
    const facts: [string, string][] = [[t('mail.when'), language.exact(mail.at, scene.timeZone)]];
    if (mail.from !== undefined && mail.from.address !== '') {
      facts.push([t('mail.browser'), words.browser(mail.from.userAgent)], [t('mail.address'), mail.from.address]);
    }
    if (typeof label === 'string') facts.push([t('mail.label'), words.authenticator(label)]);
    if (typeof remaining === 'number') facts.push([t('mail.remaining'), words.number(remaining)]);

    const subject = t(`mail.${mail.kind}.subject`);
    const link = mail.link && {
      ...mail.link,
      act: t(`mail.act.${mail.kind}`),
      valid: t('mail.link-valid', { span: words.until(mail.link.validSeconds).text }),
    };
    const said = {
      hello: t('mail.hello', { name: mail.name }),
      text: t(`mail.${mail.kind}.text`),
      ignore: link === undefined || mail.kind === 'not-me-done' ? undefined : t(ignoring(mail.kind)),
      foot: t('mail.foot', { account: mail.accountName }),
    };
    const { notMeHref } = mail;
    const html = views.template('mail/notice', { subject, facts, link, notMeHref, accent, ...said }, scene);
    const paragraphs = [
      said.hello,
      said.text,
      facts.map(([name, value]) => `${name}: ${value}`).join('\n'),
      link && `${link.act}:\n${link.href}`,
      link?.valid,
      said.ignore,
      notMeHref && `${t('mail.not-me-lead')}\n${notMeHref}`,
      notMeHref && t('mail.not-me-valid'),
      `-- \n${said.foot}`,
    ];
    const text = paragraphs.filter((paragraph) => paragraph !== undefined).join('\n\n');
    return { subject, text: `${text}\n`, html };
  };
}

/** Most links leave everything as it is until they are used; by then an operator's reset has voided all there was. */
function ignoring(kind: string): string {
  return kind === 'recovery-link' ? 'mail.recovery-link.ignore' : 'mail.link-ignore';
}
