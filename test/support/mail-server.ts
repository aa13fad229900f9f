import type { AddressInfo } from 'node:net';
import { simpleParser } from 'mailparser';
import { SMTPServer } from 'smtp-server';

export interface ReceivedMail {
  readonly to: string;
  readonly from: string;
  readonly subject: string;
  readonly text: string;
  readonly html: string;
  readonly messageId: string;
  /** Addresses in the text, in order. */
  readonly links: readonly string[];
}

export interface MailServer {
  readonly port: number;
  readonly url: string;
  readonly mails: readonly ReceivedMail[];
  /** The first mail, not handed out before, to this address with these words in its subject; waits for it. */
  next(to: string, subject: string): Promise<ReceivedMail>;
  close(): Promise<void>;
}

/** Settings with which the service uses a mail server of the tests. */
export function mailEnvironment(server: Pick<MailServer, 'url'>): Record<string, string> {
  return { TWOFOLD_SMTP_URL: server.url, TWOFOLD_SMTP_STARTTLS: 'off', TWOFOLD_MAIL_FROM: 'id@twofold.example' };
}

const longestWaitMilliseconds = 20_000;

export interface MailServerOptions {
  readonly port?: number;
  /** Offers STARTTLS, with a certificate that nobody trusts. */
  readonly startTls?: boolean;
  /** Takes mail from this user alone. */
  readonly user?: { readonly name: string; readonly password: string };
}

/** A real SMTP server on the loopback, that keeps what it is sent. */
export async function startMailServer({ port = 0, startTls, user }: MailServerOptions = {}): Promise<MailServer> {
  const mails: ReceivedMail[] = [];
  const handed = new Set<ReceivedMail>();
  const server = new SMTPServer({
    authOptional: user === undefined,
    allowInsecureAuth: true,
    disabledCommands: [...(user === undefined ? ['AUTH'] : []), ...(startTls === true ? [] : ['STARTTLS'])],
    logger: false,
    onAuth(given, _session, done) {
      if (given.username === user?.name && given.password === user?.password) done(null, { user: given.username });
      else done(new Error('this is not the password'));
    },
    onData(stream, session, done) {
      simpleParser(stream, {})
        .then((parsed) => {
          const text = parsed.text ?? '';
          mails.push({
            to: session.envelope.rcptTo.map(({ address }) => address).join(' '),
            from: parsed.from?.value[0]?.address ?? '',
            subject: parsed.subject ?? '',
            text,
            html: parsed.html === false ? '' : (parsed.html ?? ''),
            messageId: parsed.messageId ?? '',
            links: [...text.matchAll(/https?:\/\/\S+/g)].map(([link]) => link),
          });
          done();
        })
        .catch((error: unknown) => done(error as Error));
    },
  });
  await new Promise<void>((resolve, reject) => {
    server.on('error', reject);
    server.listen(port, '127.0.0.1', resolve);
  });
  const used = (server.server.address() as AddressInfo).port;
  return {
    port: used,
    url: `smtp://127.0.0.1:${used}`,
    mails,
    async next(to, subject) {
      const until = performance.now() + longestWaitMilliseconds;
      for (;;) {
        const found = mails.find((mail) => mail.to === to && mail.subject.includes(subject) && !handed.has(mail));
        if (found !== undefined) {
          handed.add(found);
          return found;
        }
        if (performance.now() > until) {
          const got = mails.map((mail) => `${mail.to}: ${mail.subject}`).join('; ');
          throw new Error(`no mail to ${to} with '${subject}'; there are: ${got}`);
        }
        await new Promise((done) => setTimeout(done, 25));
      }
    },
    close: () => new Promise((resolve) => server.close(() => resolve())),
  };
}

/** The path of a mail's link that begins so, as the browser that opens it asks for it. */
export function pathIn(mail: ReceivedMail, beginning: string): string {
  const link = mail.links.map((each) => new URL(each)).find(({ pathname }) => pathname.startsWith(beginning));
  if (link === undefined) throw new Error(`no link to ${beginning} in: ${mail.text}`);
  return link.pathname;
}
