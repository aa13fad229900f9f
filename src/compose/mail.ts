import { join, resolve } from 'node:path';
import { createMails } from '../http/mails.ts';
import type { Views } from '../http/views.ts';
import type { Deliver } from '../notifications/delivery.ts';
import { createMailDelivery } from '../notifications/mail-delivery.ts';
import {
  createFileTransport,
  createNoTransport,
  createSmtpTransport,
  type MailTransport,
} from '../notifications/mail-transport.ts';
import type { Services } from './services.ts';

/** The outbox's mail channel: what the dispatcher is given, and what is to be closed with it. */
export function createMail(
  services: Services,
  views: Views,
): { readonly deliver: Deliver; readonly close: () => void } {
  const { settings, clock, inTransaction } = services;
  const transport = transportOf(services);
  const deliver = createMailDelivery({
    inTransaction,
    transport,
    clock,
    render: createMails(views, clock),
    answerRequest: services.linkRequests.answer,
    issuer: settings.issuer,
  });
  return { deliver, close: () => transport.close() };
}

function transportOf({ settings, folder, logger }: Services): MailTransport {
  const host = new URL(settings.issuer).hostname;
  const sender = { name: settings.productName, address: settings.mailFrom ?? `no-reply@${host}`, host };
  if (settings.smtpUrl !== undefined) {
    const { smtpUser: user, smtpPassword: password, smtpStartTls: startTls } = settings;
    return createSmtpTransport({ url: settings.smtpUrl, user, password, startTls }, sender);
  }
  if (settings.production && folder === undefined) {
    logger.warn('TWOFOLD_SMTP_URL: no mail server is set, so nobody is told of anything and no link can be mailed');
    return createNoTransport();
  }
  return createFileTransport(join(resolve(settings.dataDir), 'mail'), sender, logger);
}
