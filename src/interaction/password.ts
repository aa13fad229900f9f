import { newId } from '../crypto/random.ts';
import { finishSignIn } from './finish.ts';
import type { PendingSignIn } from './pending-sign-in.ts';
import { showNextStep, showPassword } from './show.ts';
import type { Step } from './step.ts';

/** The first factor. What it proves is kept beside the session: no door but the next step sees it. */
export async function submitPassword(step: Step): Promise<void> {
  const { services, fields, uid, context, ctx } = step;
  if (step.interaction.prompt.name !== 'login') return showNextStep(step);
  const login = (fields.get('login') ?? '').slice(0, 254);
  const password = fields.get('password') ?? '';
  if (login.trim() === '' || password === '') {
    const field = login.trim() === '' ? 'login' : 'password';
    return showPassword(step, { error: { code: 'required', field } }, login);
  }
  const outcome = await services.checkPassword({
    login,
    password,
    knownBrowserToken: services.browserToken(ctx),
    context,
  });
  if (outcome.kind === 'wait') {
    const seconds = outcome.retryAfterSeconds;
    return showPassword(step, { error: { code: 'wait', values: { seconds } }, retryAfterSeconds: seconds }, login);
  }
  if (outcome.kind === 'wrong') return showPassword(step, { error: { code: 'wrong-password' } }, login);

  const { user, lane } = outcome;
  const { enabled } = await services.status(user.id);
  const enrols = !enabled;
  const optional = enrols && !services.isSecondFactorRequired();
  const pending: PendingSignIn = {
    id: newId(),
    userId: user.id,
    accountName: login,
    kind: 'sign-in',
    passwordProvenAt: services.epochSeconds(),
    lane,
    challengeId: enrols
      ? null
      : await services.openChallenge({ userId: user.id, lane, purpose: 'sign-in', boundTo: uid }),
    proven: null,
    passwordMustChange: false,
    enrols,
    useRecoveryCode: false,
    recoveryCodesRemaining: null,
    finishedAt: null,
  };
  await services.pendings.write(uid, pending);
  const next = { ...step, pending };
  if (optional) return finishSignIn(next, pending);
  return showNextStep(next);
}
