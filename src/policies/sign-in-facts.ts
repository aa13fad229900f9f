import type { Clock } from '../clock.ts';
import { acrOneFactor, acrTwoFactors, type AcrNames } from '../domain/authentication.ts';
import type { SignInFacts } from '../domain/next-step.ts';
import { mergePolicies, type EffectivePolicy, type NamedRule, type PolicyRule } from '../domain/policy.ts';
import { isClosed, type ThrottleLimits } from '../domain/throttle.ts';
import type { InPolicyTransaction, ListedAuthenticator, Standing } from './stores.ts';

export interface PolicySettings {
  readonly names: AcrNames;
  /** What holds for everyone while no default policy is stored. */
  readonly fallback: PolicyRule;
}

export interface FactsDependencies extends PolicySettings {
  readonly inTransaction: InPolicyTransaction;
  readonly clock: Clock;
  readonly limits: ThrottleLimits;
}

/** What the person, the relying party and the policies contribute to the facts of a sign-in. */
export interface StandingFacts extends Pick<
  SignInFacts,
  'now' | 'hasFactor' | 'isClosed' | 'policy' | 'clientAcr' | 'graceStartedAt' | 'browserTrustedAt'
> {
  /** What the person may choose from; the page of the next step shows it. */
  readonly authenticators: readonly ListedAuthenticator[];
}

export interface FactsRequest {
  readonly userId: string;
  readonly clientId: string;
  /** Epoch seconds since when this browser is trusted, as its cookie proves. */
  readonly browserTrustedAt?: number | undefined;
  /** What was read a moment ago beside something else; counts only where it is this person's. */
  readonly standing?: Standing | undefined;
}

/** Reads the standing facts in one transaction. Somebody who is not there has no roles and no factor. */
export function createReadSignInFacts({ inTransaction, clock, limits, names, fallback }: FactsDependencies) {
  return (request: FactsRequest): Promise<StandingFacts> =>
    inTransaction(async (stores) => {
      const { userId, clientId } = request;
      const { guard, authenticators, clientAcrValues, rules } =
        request.standing?.userId === userId ? request.standing : await stores.standing.read(userId, clientId);
      const hasFactor = authenticators.length > 0;
      const policy = effectivePolicy(rules, { names, fallback });
      const needsGrace = !hasFactor && policy.secondFactor === 'required' && policy.graceDays > 0;
      const started = needsGrace ? await stores.graces.find(userId) : undefined;
      return {
        now: clock.epochSeconds(),
        hasFactor,
        authenticators,
        isClosed: isClosed(guard, limits),
        policy,
        clientAcr: strictest(names, clientAcrValues ?? []),
        graceStartedAt: started === undefined ? undefined : Math.floor(started.getTime() / 1000),
        // Where codes were guessed so often, no trusted browser stands in for one.
        browserTrustedAt: guard.total >= limits.changePasswordAt ? undefined : request.browserTrustedAt,
      };
    });
}

/** Begins a person's grace for enrolment; the first call decides for ever. Answers epoch seconds. */
export function createBeginGrace({ inTransaction, clock }: Pick<FactsDependencies, 'inTransaction' | 'clock'>) {
  return async (userId: string): Promise<number> => {
    const started = await inTransaction(({ graces }) => graces.begin(userId, clock.now()));
    return Math.floor(started.getTime() / 1000);
  };
}

function effectivePolicy(
  rules: readonly NamedRule[],
  { names, fallback }: Pick<FactsDependencies, 'names' | 'fallback'>,
): EffectivePolicy {
  const hasDefault = rules.some(([key]) => key === 'default');
  return mergePolicies(hasDefault ? rules : [['default', fallback], ...rules], names);
}

/** A name that is not known any more counts as the stronger one. */
function strictest(names: AcrNames, values: readonly string[]): string | undefined {
  if (values.length === 0) return undefined;
  return values.every((name) => names.meaningOf(name) === acrOneFactor) ? acrOneFactor : acrTwoFactors;
}
