import Router from '@koa/router';
import type { Context } from 'koa';
import { Fault } from '../errors.ts';
import { submitNewPassword } from './change-password.ts';
import { chooseFactor, submitOneTimeCode, submitRecoveryCode } from './code.ts';
import { abort, submitConsent } from './consent.ts';
import { submitEnrolLater, submitEnrolment, submitRecoveryCodes } from './enrolment.ts';
import { mailKnownBrowserLink } from './known-browser-link.ts';
import { submitPassword } from './password.ts';
import { isReplacing, keepAuthenticator, submitReplacement } from './replace-authenticator.ts';
import { showNextStep } from './show.ts';
import { loadStep, type InteractionServices, type Step } from './step.ts';

/** The sign-in pages: one address to look at, one for each form. */
export function interactionRoutes(services: InteractionServices): Router {
  const router = new Router({ strict: true, sensitive: true });
  /** Where a sign-in turns out to be over, the next look at it begins anew. */
  const stepping = (work: (step: Step) => Promise<void>) => async (ctx: Context) => {
    const step = await loadStep(ctx, services);
    try {
      await work(step);
    } catch (error) {
      if (error instanceof Fault && error.code === 'sign_in_gone') await services.pendings.remove(step.uid);
      throw error;
    }
  };
  const post = (name: string, submit: (step: Step) => Promise<void>): void => {
    router.post(`/interaction/:uid/${name}`, stepping(submit));
  };
  router.get('/interaction/:uid', async (ctx) => {
    // A look may begin an enrolment or make codes anew; that is for whoever really looks.
    if (ctx.get('Sec-Purpose').includes('prefetch')) throw new Fault('not_ahead', 409, 'a sign-in is not loaded ahead');
    return stepping(showNextStep)(ctx);
  });
  post('password', submitPassword);
  post('one-time-code', submitOneTimeCode);
  post('recovery-code', submitRecoveryCode);
  post('use-recovery-code', (step) => chooseFactor(step, true));
  post('use-one-time-code', (step) => chooseFactor(step, false));
  post('enrol', (step) => (isReplacing(step) ? submitReplacement(step) : submitEnrolment(step)));
  post('keep-authenticator', keepAuthenticator);
  post('enrol-later', submitEnrolLater);
  post('recovery-codes', submitRecoveryCodes);
  post('change-password', submitNewPassword);
  post('consent', submitConsent);
  post('known-browser-link', mailKnownBrowserLink);
  post('abort', abort);
  post('start-again', async (step) => {
    await services.pendings.remove(step.uid);
    return showNextStep({ ...step, pending: undefined });
  });
  return router;
}
