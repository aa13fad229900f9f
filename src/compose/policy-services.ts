import { accountClientId } from '../account/account-session.ts';
import type { Clock } from '../clock.ts';
import type { Settings } from '../config/settings-table.ts';
import { acrNames } from '../domain/authentication.ts';
import type { PolicyRule } from '../domain/policy.ts';
import type { User } from '../domain/user.ts';
import { createManagePolicies } from '../policies/manage-policies.ts';
import { createBeginGrace, createReadSignInFacts } from '../policies/sign-in-facts.ts';
import { createSimulatePolicy } from '../policies/simulate-policy.ts';
import { createTrustedBrowsers } from '../second-factor/trusted-browsers.ts';
import type { ThrottleLimits } from '../domain/throttle.ts';
import type { InTransaction } from '../transaction.ts';
import type { Stores } from './stores.ts';

export interface PolicyWiring {
  readonly settings: Settings;
  readonly inTransaction: InTransaction<Stores>;
  /** The same stores without a transaction, for reads alone. */
  readonly reading: InTransaction<Stores>;
  readonly clock: Clock;
  readonly limits: ThrottleLimits;
  readonly findUser: (idOrLogin: string) => Promise<User>;
}

/** The policies, what they decide, and the browsers they let people trust. */
export function createPolicyServices({ settings, inTransaction, reading, clock, limits, findUser }: PolicyWiring) {
  const names = acrNames(settings.acrAliases);
  const fallback: PolicyRule = {
    secondFactor: settings.secondFactorRequired,
    graceDays: 0,
    acrValues: [],
    trustedBrowserDays: null,
  };
  const common = { inTransaction, clock, limits, names, fallback };
  const readSignInFacts = createReadSignInFacts({ ...common, inTransaction: reading });
  return {
    acrNames: names,
    /** What holds for everyone while no default policy is stored. */
    fallbackPolicy: fallback,
    managePolicies: createManagePolicies(common),
    simulatePolicy: createSimulatePolicy({ readFacts: readSignInFacts, findUser, names }),
    readSignInFacts,
    /** Whether a second factor stands beside the password: one without, for now or for good, must be longer. */
    hasSecondFactor: async (userId: string): Promise<boolean> => {
      const { hasFactor, policy } = await readSignInFacts({ userId, clientId: accountClientId });
      return hasFactor || (policy.secondFactor === 'required' && policy.graceDays === 0);
    },
    /** Whether a policy demands a factor of a person wherever they sign in. */
    isSecondFactorRequired: async (userId: string): Promise<boolean> =>
      (await readSignInFacts({ userId, clientId: accountClientId })).policy.secondFactor === 'required',
    beginGrace: createBeginGrace(common),
    trustedBrowsers: createTrustedBrowsers({ inTransaction, clock }),
  };
}
