import { linkSecondsOf } from '../domain/notice.ts';
import { showNextStep } from './show.ts';
import type { Step } from './step.ts';

/**
 * Sign-ins from browsers nobody knows are held off: a mailed link makes the one in which it is opened known. Only after
 * the right password, so that nobody else can fill the mailbox; it signs nobody in.
 */
export async function mailKnownBrowserLink(step: Step): Promise<void> {
  const { ctx, services, pending, uid, context } = step;
  if (pending === undefined) return showNextStep(step);
  await services.mailKnownBrowserLink(pending.userId, uid, context);
  // The challenge belongs to browsers nobody knows: whoever comes back with the cookie begins at the password.
  await services.pendings.remove(uid);
  services.views.page(ctx, 'mail-link-sent', {
    purpose: 'known-browser',
    validMinutes: linkSecondsOf('known-browser-link') / 60,
  });
}
