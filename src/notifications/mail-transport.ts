import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createTransport } from 'nodemailer';
import type { Logger } from '../logger.ts';
import type { DeliveryOutcome } from './delivery.ts';

export interface OutgoingMail {
  /** The outbox row's: a mail that is sent again after a crash bears the same Message-ID, so that it is seen as one. */
  readonly id: string;
  readonly kind: string;
  readonly to: string;
  readonly subject: string;
  readonly text: string;
  readonly html: string;
  readonly at: Date;
}

export interface MailTransport {
  send(mail: OutgoingMail): Promise<DeliveryOutcome>;
  close(): void;
}

export interface Sender {
  /** The name people see. */
  readonly name: string;
  readonly address: string;
  /** Right-hand side of Message-IDs. */
  readonly host: string;
}

export interface SmtpSettings {
  /** smtp:// or smtps://, perhaps with user and password. */
  readonly url: string;
  readonly user: string | undefined;
  readonly password: string | undefined;
  /** On smtp://: STARTTLS must succeed, is used where it is offered, or never. */
  readonly startTls: 'required' | 'offered' | 'off';
}

const waitMilliseconds = 15_000;

/** Hands mails to a mail server (RFC 5321). Whatever the server may think of later is tried again. */
export function createSmtpTransport(settings: SmtpSettings, sender: Sender): MailTransport {
  const transporter = connectionOf(settings, sender.host);
  return {
    async send(mail) {
      try {
        await transporter.sendMail(messageOf(mail, sender));
        return { kind: 'delivered' };
      } catch (error) {
        const { code, responseCode, command } = error as { code?: string; responseCode?: number; command?: string };
        const status = responseCode === undefined ? {} : { status: responseCode };
        // What the server itself says may name the address; the record keeps only what kind of failure it was.
        const words =
          `${code ?? 'ESMTP'}${responseCode === undefined ? '' : ` ${responseCode}`} ${command ?? ''}`.trim();
        // This one recipient is refused for good; a server that refuses us all is the operator's to put right.
        const hopeless = code === 'EENVELOPE' && command === 'RCPT TO' && (responseCode ?? 0) >= 550;
        return { kind: hopeless ? 'give-up' : 'retry', error: words, ...status };
      }
    },
    close: () => transporter.close(),
  };
}

/** Whether a mail server lets us in: undefined, or what kind of failure it was (never the server's own words). */
export async function verifyMailServer(settings: SmtpSettings, ourName: string): Promise<string | undefined> {
  const transporter = connectionOf(settings, ourName);
  try {
    await transporter.verify();
    return undefined;
  } catch (error) {
    return (error as { code?: string }).code ?? 'ESMTP';
  } finally {
    transporter.close();
  }
}

function connectionOf({ url, user, password, startTls }: SmtpSettings, ourName: string) {
  const { protocol, hostname, port, username: urlUser, password: urlPassword } = new URL(url);
  const secure = protocol === 'smtps:';
  const name = user ?? decodeURIComponent(urlUser);
  return createTransport({
    host: hostname.replace(/^\[|\]$/g, ''),
    port: port === '' ? (secure ? 465 : 587) : Number(port),
    secure,
    requireTLS: !secure && startTls === 'required',
    ignoreTLS: !secure && startTls === 'off',
    ...(name === '' ? {} : { auth: { user: name, pass: password ?? decodeURIComponent(urlPassword) } }),
    name: ourName,
    connectionTimeout: waitMilliseconds,
    greetingTimeout: waitMilliseconds,
    socketTimeout: waitMilliseconds,
    dnsTimeout: waitMilliseconds,
    disableFileAccess: true,
    disableUrlAccess: true,
  });
}

/**
 * Without a mail server: each mail becomes two files, `.eml` for mail programs and `.txt` to be read, mode 0600. They
 * hold live links, like any mailbox.
 */
export function createFileTransport(folder: string, sender: Sender, logger: Logger): MailTransport {
  const transporter = createTransport({ streamTransport: true, buffer: true, newline: 'unix' });
  return {
    async send(mail) {
      const { message } = await transporter.sendMail(messageOf(mail, sender));
      const stamp = mail.at.toISOString().slice(0, 19).replaceAll(':', '');
      const file = join(folder, `${stamp}-${mail.kind}-${mail.id.slice(0, 8)}`);
      await mkdir(folder, { recursive: true, mode: 0o700 });
      await writeFile(`${file}.eml`, message as Buffer, { mode: 0o600 });
      await writeFile(`${file}.txt`, `To: ${mail.to}\nSubject: ${mail.subject}\n\n${mail.text}`, { mode: 0o600 });
      logger.info({ file: `${file}.txt`, kind: mail.kind }, 'no mail server is set: the mail lies in a file');
      return { kind: 'delivered' };
    },
    close: () => transporter.close(),
  };
}

/** In production without a mail server: nothing can be sent, and nothing waits for ever. */
export function createNoTransport(): MailTransport {
  return {
    send: async () => ({ kind: 'give-up', error: 'no mail server is set: TWOFOLD_SMTP_URL' }),
    close: () => undefined,
  };
}

function messageOf({ id, to, subject, text, html, at }: OutgoingMail, { name, address, host }: Sender) {
  return {
    messageId: `<${id}@${host}>`,
    // As objects: a name or address is never parsed for further recipients.
    from: { name, address },
    to: { name: '', address: to },
    date: at,
    subject,
    text,
    html,
    // No robot answers, and no out-of-office note (RFC 3834).
    headers: { 'Auto-Submitted': 'auto-generated', 'X-Auto-Response-Suppress': 'All' },
    disableFileAccess: true,
    disableUrlAccess: true,
  };
}
