import { acrOf, amrOf, answeredAcr, requestedAcr, type AcrNames } from '../domain/authentication.ts';
import { nextStep, reasonSentences, type NextStep, type Reason, type SignInFacts } from '../domain/next-step.ts';
import type { EffectivePolicy, PolicyKey } from '../domain/policy.ts';
import type { User } from '../domain/user.ts';
import { InvalidInput } from '../errors.ts';
import type { createReadSignInFacts, StandingFacts } from './sign-in-facts.ts';

export interface SimulateDependencies {
  readonly readFacts: ReturnType<typeof createReadSignInFacts>;
  /** By id or login name; throws NotFound. */
  readonly findUser: (idOrLogin: string) => Promise<User>;
  readonly names: AcrNames;
}

export interface SimulationRequest {
  readonly user: string;
  readonly client_id: string;
  /** As in the authorization request: one text, or a list. */
  readonly acr_values?: string | readonly string[] | undefined;
  /** As if the person had this browser trusted just now. */
  readonly browser_trusted?: boolean | undefined;
}

export interface SimulatedStep {
  readonly step: NextStep['step'];
  readonly reasons: readonly { readonly code: Reason['code']; readonly text: string; readonly policy?: PolicyKey }[];
  /** Until when an enrolment may be put off. */
  readonly may_wait_until?: string;
  /** Days for which the page offers to trust the browser. */
  readonly trust_offered_days?: number;
}

export interface Simulation {
  readonly user: string;
  readonly client_id: string;
  /** In order; the last one is `finish`, or nothing where the request is refused at once. */
  readonly steps: readonly SimulatedStep[];
  /** `unmet_authentication_requirements` where none of the values is known. */
  readonly error: string | null;
  /** What the ID token would say. */
  readonly acr: string | null;
  readonly amr: readonly string[];
  readonly policy: {
    readonly second_factor: EffectivePolicy['secondFactor'];
    readonly grace_days: number;
    readonly acr: string;
    readonly trusted_browser_days: number;
    readonly decided_by: {
      readonly second_factor: PolicyKey;
      readonly acr: PolicyKey | null;
      readonly trusted_browser_days: PolicyKey | null;
    };
  };
}

/** What a sign-in would be asked, step by step, and why. It changes nothing: no grace begins. */
export function createSimulatePolicy({ readFacts, findUser, names }: SimulateDependencies) {
  return async (request: SimulationRequest): Promise<Simulation> => {
    if (request.client_id === '') throw new InvalidInput('client_id', 'say at which relying party');
    const user = await findUser(request.user);
    const asked = listOf(request.acr_values);
    const standing = await readFacts({ userId: user.id, clientId: request.client_id });
    const common = { user: user.id, client_id: request.client_id, policy: shownPolicy(standing.policy) };
    const needed = requestedAcr(names, { byClaims: [], essential: false, byParameter: asked });
    if (needed.kind === 'unmet') {
      return { ...common, steps: [], error: 'unmet_authentication_requirements', acr: null, amr: [] };
    }
    const steps = walk({
      ...standing,
      passwordProven: false,
      proof: 'none',
      passwordMustChange: false,
      enrolmentDeferred: false,
      asksFreshly: false,
      askedAcr: needed.kind === 'asked' ? needed.acr : undefined,
      browserTrustedAt: request.browser_trusted === true ? standing.now : undefined,
    });
    const last = steps.at(-1);
    const proof = last?.step === 'finish' ? last.proof : 'none';
    const acr = answeredAcr(names, acrOf(proof), asked) ?? null;
    return { ...common, steps: steps.map(shownStep), error: null, acr, amr: amrOf(proof) };
  };
}

/** Every step in turn, as if each succeeded. */
function walk(facts: SignInFacts & StandingFacts): NextStep[] {
  const step = nextStep(facts);
  switch (step.step) {
    case 'password':
      return [step, ...walk({ ...facts, passwordProven: true })];
    case 'one-time-code':
    case 'enrol':
      return [step, ...walk({ ...facts, proof: 'otp', hasFactor: true })];
    case 'change-password':
      return [step, ...walk({ ...facts, passwordMustChange: false })];
    case 'finish':
      return [step];
  }
}

function shownStep(step: NextStep): SimulatedStep {
  return {
    step: step.step,
    reasons: step.reasons.map(({ code, policy }) => ({
      code,
      text: reasonSentences[code],
      ...(policy === undefined ? {} : { policy }),
    })),
    ...(step.step === 'enrol' && step.deferUntil !== undefined
      ? { may_wait_until: new Date(step.deferUntil * 1000).toISOString() }
      : {}),
    ...(step.step === 'one-time-code' && step.trustDays > 0 ? { trust_offered_days: step.trustDays } : {}),
  };
}

function shownPolicy(policy: EffectivePolicy): Simulation['policy'] {
  const { decidedBy } = policy;
  return {
    second_factor: policy.secondFactor,
    grace_days: policy.graceDays,
    acr: policy.acr,
    trusted_browser_days: policy.trustedBrowserDays,
    decided_by: {
      second_factor: decidedBy.secondFactor,
      acr: decidedBy.acr ?? null,
      trusted_browser_days: decidedBy.trustedBrowserDays ?? null,
    },
  };
}

function listOf(values: SimulationRequest['acr_values']): string[] {
  const list = typeof values === 'string' ? values.split(' ') : [...(values ?? [])];
  return list.filter((value) => value !== '');
}
