import { z } from 'zod';
import { flag, text, type SettingDefinition } from './setting-definition.ts';

/** Mail, and what depends on its reaching people. */
export const mailSettings = {
  smtpUrl: {
    name: 'TWOFOLD_SMTP_URL',
    path: 'mail.smtp_url',
    schema: z.string().refine(isMailServer, 'must be smtp://host[:port] or smtps://host[:port]'),
    secret: true,
    sentence: 'The mail server; without it mails become files under the data folder, and in production are not sent.',
  },
  smtpUser: {
    name: 'TWOFOLD_SMTP_USER',
    path: 'mail.smtp_user',
    schema: text.max(254),
    sentence: 'The user name at the mail server, where it does not stand in the address.',
  },
  smtpPassword: {
    name: 'TWOFOLD_SMTP_PASSWORD',
    path: 'mail.smtp_password',
    schema: text.max(1024),
    secret: true,
    sentence: 'The password at the mail server, where it does not stand in the address.',
  },
  smtpStartTls: {
    name: 'TWOFOLD_SMTP_STARTTLS',
    path: 'mail.smtp_starttls',
    schema: z.enum(['required', 'offered', 'off']),
    default: 'required',
    sentence:
      'On smtp://: whether TLS must be had, is used where it is offered, or never. smtps:// is TLS from the start.',
  },
  mailFrom: {
    name: 'TWOFOLD_MAIL_FROM',
    path: 'mail.from',
    schema: z
      .string()
      .max(254)
      .regex(/^[^\s@<>"]+@[^\s@<>"]+$/, 'must be an address such as no-reply@example.com'),
    sentence: "The address mails come from; no-reply at the issuer's host where it is not set.",
  },
  firstEnrolment: {
    name: 'TWOFOLD_FIRST_ENROLMENT',
    path: 'second_factor.first_enrolment',
    schema: z.enum(['none', 'mail', 'operator']),
    defaultWords: '`mail` in production or with `TWOFOLD_SMTP_URL`, else `none`',
    sentence:
      "What the first authenticator takes beside the password in a browser that is not known: nothing more (none), a mailed link (mail), or an operator's link (operator). Unset: mail in production or with a mail server, else none.",
  },
  selfRegistration: {
    name: 'TWOFOLD_SELF_REGISTRATION',
    path: 'mail.self_registration',
    schema: flag,
    default: 'false',
    sentence: 'Whether people may make an account by themselves; their address is confirmed by a mailed link.',
  },
} as const satisfies Readonly<Record<string, SettingDefinition>>;

function isMailServer(value: string): boolean {
  if (!/^smtps?:\/\//.test(value) || !URL.canParse(value)) return false;
  const { hostname, pathname, search, hash } = new URL(value);
  return hostname !== '' && (pathname === '' || pathname === '/') && search === '' && hash === '';
}
