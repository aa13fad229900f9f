import { linkSecondsOf } from '../domain/notice.ts';
import { Fault } from '../errors.ts';
import type { PendingSignIn } from './pending-sign-in.ts';
import { csrfBinding, pathOf, type Step } from './step.ts';

/** What the first authenticator takes beside the password, in a browser that is not known. */
export type FirstEnrolment = 'none' | 'mail' | 'operator';

/**
 * Holds a person without a factor before they may enrol one. First enrolment is trust on first use: whoever holds the
 * password would be the first, so a browser nobody knows is asked for more. Answers whether a page was shown instead.
 *
 * `deferUntil`: the person's grace period runs, and they may go on without until then (epoch seconds); where nothing could
 * be mailed, they do.
 *
 * Where guessing closed the second factor there is nothing to enrol: a new password alone must not bind a new secret
 * (NIST SP 800-63B-4 section 3.2.2).
 */
export async function holdFirstEnrolment(
  step: Step,
  pending: PendingSignIn,
  deferUntil: number | undefined,
): Promise<'free' | 'shown' | 'put-off'> {
  const { ctx, services, uid, context } = step;
  const { userId } = pending;
  if (await services.isSecondFactorClosed(userId)) {
    throw new Fault('second_factor_closed', 403, 'too many guesses closed the second factor');
  }
  if (services.firstEnrolment === 'none') return 'free';
  // A sign-in that a policy let pass with the password alone proves nothing more than this one did.
  if (await services.isKnownBrowser(services.browserToken(ctx), userId, true)) return 'free';
  const mailed = services.firstEnrolment === 'mail' && (await services.mailEnrolmentLink(userId, uid, context));
  if (!mailed) {
    if (deferUntil !== undefined) return 'put-off';
    throw new Fault('enrolment_needs_operator', 403, 'the first authenticator takes a link of an operator');
  }
  services.views.page(ctx, 'mail-link-sent', {
    purpose: 'first-enrolment',
    validMinutes: linkSecondsOf('first-enrolment-link') / 60,
    ...(deferUntil === undefined
      ? {}
      : {
          laterAction: pathOf(step, 'enrol-later'),
          requiredFrom: new Date(deferUntil * 1000),
          csrf: services.csrf.token(csrfBinding(uid, pending)),
        }),
  });
  return 'shown';
}
