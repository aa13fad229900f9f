import { newId } from '../crypto/random.ts';
import { finishSignIn } from './finish.ts';
import { showNextStep } from './show.ts';
import { isStillProven, type Step } from './step.ts';

/** Too many codes were guessed with the old password: a new one makes the guesser's worthless. */
export async function submitNewPassword(step: Step): Promise<void> {
  const { services, pending, fields, uid, context } = step;
  if (pending === undefined || pending.proven === null || !pending.passwordMustChange) return showNextStep(step);
  const user = await services.findUser(pending.userId);
  if (!isStillProven(user, pending)) return finishSignIn(step, pending, pending.proven.factor);
  const outcome = await services.setPassword({
    userId: pending.userId,
    names: [user?.username ?? '', user?.email ?? ''],
    password: fields.get('new_password') ?? '',
    secondFactorProven: true,
    type: 'password.changed',
    provenBy: { securityStamp: pending.securityStamp },
    keepSession: step.interaction.session?.uid,
    context,
  });
  if (outcome.kind !== 'set') {
    const field = 'new_password';
    if (outcome.kind === 'too-short') {
      return showNextStep(step, { error: { code: 'password-too-short', field, values: { least: outcome.least } } });
    }
    if (outcome.kind === 'too-long') {
      return showNextStep(step, { error: { code: 'password-too-long', field, values: { most: outcome.most } } });
    }
    return showNextStep(step, { error: { code: 'password-common', field } });
  }
  const { securityStamp } = outcome;
  const next = { ...pending, id: newId(), securityStamp, passwordMustChange: false };
  await services.pendings.write(uid, next);
  return showNextStep({ ...step, pending: next });
}
