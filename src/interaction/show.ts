import { isMetadataDocument } from '../provider/metadata-documents.ts';
import { newId } from '../crypto/random.ts';
import { fieldsOf, type AuthorizationDetail } from '../domain/authorization-details.ts';
import { Fault } from '../errors.ts';
import { answer } from './answer.ts';
import type { NextStep } from '../domain/next-step.ts';
import { decide, prepare, type Decided } from './decide.ts';
import { showNewRecoveryCodes, showReplacement } from './after-recovery.ts';
import { finishSignIn } from './finish.ts';
import { holdFirstEnrolment } from './first-enrolment.ts';
import type { PendingSignIn } from './pending-sign-in.ts';
import {
  freshProofSeconds,
  hrefOf,
  isStillProven,
  laneOf,
  parameterOf,
  pathOf,
  type Remark,
  type Step,
} from './step.ts';

/** Shows the page of the step at which this interaction stands; every step ends here and none knows the next. */
export async function showNextStep(step: Step, remark: Remark = {}): Promise<void> {
  const { interaction } = step;
  if (interaction.prompt.name === 'consent') return showConsent(step, remark);
  if (interaction.prompt.name === 'totp') return showStepUp(step, remark);
  const { pending } = step;
  if (pending === undefined) return showPassword(step, remark);
  return showSecondFactor(step, pending, remark);
}

export async function showPassword(step: Step, remark: Remark, login?: string): Promise<void> {
  const hint = step.interaction.params['login_hint'];
  const known = step.interaction.session?.accountId;
  const again = known !== undefined;
  const hinted = typeof hint === 'string' ? hint.slice(0, 254) : undefined;
  // Whoever is signed in here and asked again is most likely the same.
  const typed = login ?? hinted ?? (again ? (await step.services.findUser(known))?.username : undefined);
  const ways = {
    forgotPasswordHref: hrefOf(step, `/forgot-password?back=/interaction/${step.uid}`),
    signUpHref: step.services.selfRegistration ? hrefOf(step, `/sign-up?back=/interaction/${step.uid}`) : undefined,
  };
  await answer(step, 'password', { login: typed, reason: again ? 'again' : undefined, ...ways }, remark, undefined);
}

async function showStepUp(step: Step, remark: Remark): Promise<void> {
  const { services, interaction, uid, pending } = step;
  if (pending !== undefined) return showSecondFactor(step, pending, remark);
  const { accountId, uid: sessionUid } = (interaction.session ?? {}) as { accountId?: string; uid?: string };
  const session = sessionUid === undefined ? undefined : await services.provider().Session.findByUid(sessionUid);
  const user = accountId === undefined ? undefined : await services.findUser(accountId);
  if (user === undefined || session === undefined || accountId === undefined || session.accountId !== accountId) {
    throw new Fault('sign_in_gone', 400, 'the session of this sign-in is over');
  }
  const lane = await laneOf(step, accountId);
  const fresh: PendingSignIn = {
    id: newId(),
    userId: accountId,
    accountName: user.username,
    kind: 'step-up',
    passwordProvenAt: session.loginTs ?? 0,
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
  const decided = await decide(step, fresh);
  const begun = await prepare(step, fresh, decided);
  await services.pendings.write(uid, begun);
  return showDecided({ ...step, pending: begun }, begun, decided, remark);
}

async function showSecondFactor(step: Step, pending: PendingSignIn, remark: Remark): Promise<void> {
  return showDecided(step, pending, await decide(step, pending), remark);
}

/** The page of the step that was decided. */
export async function showDecided(
  step: Step,
  pending: PendingSignIn,
  decided: Decided,
  remark: Remark = {},
): Promise<void> {
  const { accountName } = pending;
  switch (decided.step) {
    case 'password':
      return showPassword({ ...step, pending: undefined }, remark);
    case 'change-password':
      return answer(step, 'change-password', { accountName, leastLength: 8, reason: 'guessed-codes' }, remark, pending);
    case 'finish':
      if (pending.followUp === 'replace-authenticator') return showReplacement(step, pending, remark);
      if (pending.followUp === 'new-recovery-codes') return showNewRecoveryCodes(step, pending);
      return finishSignIn(step, pending, decided.proof);
    case 'enrol':
      return pending.enrols ? showEnrolment(step, pending, decided, remark) : startAgain(step);
    case 'one-time-code':
      return pending.challengeId === null ? startAgain(step) : showCode(step, pending, decided, remark);
  }
}

/** The person's factors changed elsewhere while this sign-in was under way: what it prepared does not fit any more. */
async function startAgain(step: Step): Promise<void> {
  await step.services.pendings.remove(step.uid);
  return showNextStep({ ...step, pending: undefined });
}

async function showCode(
  step: Step,
  pending: PendingSignIn,
  { authenticators, trustDays }: Decided & { readonly step: 'one-time-code' },
  remark: Remark,
): Promise<void> {
  const { services, uid } = step;
  const { accountName } = pending;
  const askForHelpHref = hrefOf(step, `/ask-for-help?back=/interaction/${step.uid}`);
  if (pending.useRecoveryCode) {
    const oneTimeCodeAction = pathOf(step, 'use-one-time-code');
    const startAgainAction = pathOf(step, 'start-again');
    const offers = pending.lane === 'other' && (await services.isOtherLaneClosed(pending.userId));
    const knownBrowserLinkAction = offers ? pathOf(step, 'known-browser-link') : undefined;
    return answer(
      step,
      'recovery-code',
      { accountName, oneTimeCodeAction, startAgainAction, askForHelpHref, knownBrowserLinkAction },
      remark,
      pending,
    );
  }
  const chosen = step.fields.get('authenticator');
  return answer(
    { ...step, uid },
    'one-time-code',
    {
      accountName,
      authenticators: authenticators.map(({ id, label }) => ({ id, label })),
      chosenAuthenticator: authenticators.some(({ id }) => id === chosen) ? chosen : undefined,
      // The page sends itself at so many digits: at eight where any authenticator makes as many.
      digits: Math.max(6, ...authenticators.map(({ digits }) => digits)),
      recoveryCodeAction: pathOf(step, 'use-recovery-code'),
      startAgainAction: pathOf(step, 'start-again'),
      askForHelpHref,
      purpose: pending.kind,
      trustBrowserDays: trustDays === 0 ? undefined : trustDays,
    },
    remark,
    pending,
  );
}

/** The pending authenticator again after a wrong code, else a new one; only soon after the password was proven. */
async function showEnrolment(
  step: Step,
  pending: PendingSignIn,
  { deferUntil }: NextStep & { readonly step: 'enrol' },
  remark: Remark,
): Promise<void> {
  const held = await holdFirstEnrolment(step, pending, deferUntil);
  if (held === 'shown') return;
  if (held === 'put-off') return putOffEnrolment(step, pending);
  const { services, uid, context } = step;
  const user = await services.findUser(pending.userId);
  if (user === undefined || !isStillProven(user, pending)) {
    await services.pendings.remove(uid);
    throw new Fault('sign_in_gone', 400, 'the password that began this sign-in is not valid any more');
  }
  const accountName = user.email ?? user.username;
  const shown = await services.enrolment.showPending(user.id, accountName, uid);
  if (shown === undefined && services.epochSeconds() - pending.passwordProvenAt > freshProofSeconds) {
    await services.pendings.remove(uid);
    return showPassword({ ...step, pending: undefined }, { error: { code: 'session-ended' } });
  }
  const enrolment =
    shown ?? (await services.enrolment.start({ userId: user.id, accountName, label: '', boundTo: uid, context }));
  const later =
    deferUntil === undefined
      ? {}
      : { laterAction: pathOf(step, 'enrol-later'), requiredFrom: new Date(deferUntil * 1000) };
  return answer(step, 'enrol', { accountName, enrolment, purpose: 'first', ...later }, remark, pending);
}

/** Goes on without a factor, which the person's grace period allows; their next sign-in asks again. */
export async function putOffEnrolment(step: Step, pending: PendingSignIn): Promise<void> {
  await step.services.enrolment.cancel(pending.userId);
  const next = { ...pending, id: newId(), enrolmentDeferred: true };
  await step.services.pendings.write(step.uid, next);
  return showNextStep({ ...step, pending: next });
}

async function showConsent(step: Step, remark: Remark): Promise<void> {
  const { interaction, services } = step;
  const details = interaction.prompt.details as {
    missingOIDCScope?: string[];
    missingResourceScopes?: Record<string, string[]>;
    rar?: AuthorizationDetail[];
  };
  const { rar = [] } = details;
  const servers = Object.entries(details.missingResourceScopes ?? {});
  const asked = parameterOf(step, 'scope').split(' ');
  const missing = new Set([...(details.missingOIDCScope ?? []), ...servers.flatMap(([, scopes]) => scopes)]);
  const accountId = interaction.session?.accountId;
  const user = accountId === undefined ? undefined : await services.findUser(accountId);
  const clientId = parameterOf(step, 'client_id');
  const client = await services.provider().Client.find(clientId);
  await answer(
    step,
    'consent',
    {
      accountName: user?.username ?? '',
      scopes: asked.filter((name) => name !== '').map((name) => ({ name, isNew: missing.has(name) })),
      resources: servers.map(([resource]) => new URL(resource).host),
      details: rar.map((detail) => ({
        title: services.detailTitles.get(detail.type) ?? { en: detail.type },
        fields: fieldsOf(detail),
      })),
      // Details are asked anew each time; what is shown is the whole of what is allowed.
      remembered: rar.length === 0,
      unverified: client?.clientAuthMethod === 'none' || isMetadataDocument(clientId),
    },
    remark,
  );
}
