import { newId } from '../crypto/random.ts';
import { decide, prepare, type Decided } from './decide.ts';
import type { PendingSignIn } from './pending-sign-in.ts';
import { showDecided, showNextStep, showPassword } from './show.ts';
import { parameterOf, type Step } from './step.ts';

/** The first factor. What it proves is kept beside the session: no door but the next step sees it. */
export async function submitPassword(step: Step): Promise<void> {
  const { services, fields, uid, context, ctx } = step;
  // At a step-up it is asked where a session's password was proven too long ago for a first enrolment.
  if (step.interaction.prompt.name === 'consent') return showNextStep(step);
  const login = (fields.get('login') ?? '').slice(0, 254);
  const password = fields.get('password') ?? '';
  if (login.trim() === '' || password === '') {
    const field = login.trim() === '' ? 'login' : 'password';
    return showPassword(step, { error: { code: 'required', field } }, login);
  }
  const attempt = { login, password, knownBrowserToken: services.browserToken(ctx), context, recordsItself: true };
  const { outcome, standing } = await services.checkPassword(attempt, parameterOf(step, 'client_id'));
  if (outcome.kind === 'wait') {
    const seconds = outcome.retryAfterSeconds;
    return showPassword(step, { error: { code: 'wait', values: { seconds } }, retryAfterSeconds: seconds }, login);
  }
  if (outcome.kind === 'wrong') return showPassword(step, { error: { code: 'wrong-password' } }, login);

  const { user, lane, toRecord } = outcome;
  const pending: PendingSignIn = {
    id: newId(),
    userId: user.id,
    accountName: login,
    kind: 'sign-in',
    passwordProvenAt: services.epochSeconds(),
    securityStamp: user.securityStamp,
    lane,
    challengeId: null,
    proven: null,
    passwordMustChange: false,
    enrols: false,
    enrolmentDeferred: false,
    trustDays: 0,
    useRecoveryCode: false,
    recoveryCodesRemaining: null,
    finishedAt: null,
  };
  let decided: Decided;
  let begun: PendingSignIn;
  try {
    decided = await decide(step, pending, standing);
    begun = await prepare(step, pending, decided, toRecord);
  } catch (error) {
    // A right password is on record whatever comes after it.
    if (toRecord !== undefined) await services.record(toRecord).catch(() => undefined);
    throw error;
  }
  await services.pendings.write(uid, begun);
  return showDecided({ ...step, pending: begun }, begun, decided);
}
