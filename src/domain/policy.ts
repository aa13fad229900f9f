import { acrOneFactor, acrTwoFactors, type AcrNames } from './authentication.ts';
import { isRole, type Role } from './user.ts';

/** What a second-factor policy may say. What it leaves out it has no opinion on. */
export interface PolicyRule {
  /** `optional` asks nothing: who has a factor is asked for it all the same. */
  readonly secondFactor: 'required' | 'optional';
  /** Days from a person's first sign-in under a policy in which enrolment may wait; 0 is at once. */
  readonly graceDays: number;
  /** What every sign-in under it must reach, all of them. */
  readonly acrValues: readonly string[];
  /**
   * Days for which a browser may be trusted. For a relying party it allows that, everywhere else it is an upper limit;
   * null is no opinion.
   */
  readonly trustedBrowserDays: number | null;
}

/** Whom a policy is for. */
export type PolicyKey = 'default' | `client:${string}` | `role:${Role}` | `user:${string}`;

export const longestGraceDays = 90;
export const longestTrustDays = 30;

/** What holds for one person at one relying party, and whose word each part is. */
export interface EffectivePolicy {
  readonly secondFactor: PolicyRule['secondFactor'];
  readonly graceDays: number;
  /** The least `acr` a session must have, one of our two. */
  readonly acr: string;
  /** 0 where a browser may not be trusted. */
  readonly trustedBrowserDays: number;
  readonly decidedBy: {
    readonly secondFactor: PolicyKey;
    readonly acr: PolicyKey | undefined;
    readonly trustedBrowserDays: PolicyKey | undefined;
  };
}

export type NamedRule = readonly [key: PolicyKey, rule: PolicyRule];

const uuid = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** The key that a text names, or undefined where it names none. */
export function policyKey(text: string): PolicyKey | undefined {
  if (text === 'default') return text;
  const colon = text.indexOf(':');
  const [kind, name] = [text.slice(0, colon), text.slice(colon + 1)];
  if (kind === 'client' && /^[\x21-\x7e]{1,200}$/.test(name)) return `client:${name}`;
  if (kind === 'role' && isRole(name)) return `role:${name}`;
  if (kind === 'user' && uuid.test(name)) return `user:${name}`;
  return undefined;
}

/** The policies that apply to a person at a relying party. */
export function keysFor(userId: string, roles: readonly Role[], clientId: string): PolicyKey[] {
  return ['default', `client:${clientId}`, ...roles.map((role) => `role:${role}` as const), `user:${userId}`];
}

/**
 * Merges the policies that apply: of each demand the strictest wins, whatever the order, so that another policy never
 * weakens what holds. Only a relying party's own policy can let browsers be trusted; the others can forbid or shorten.
 */
export function mergePolicies(rules: readonly NamedRule[], names: AcrNames): EffectivePolicy {
  let secondFactor: EffectivePolicy['secondFactor'] = 'optional';
  let graceDays = 0;
  let acr = acrOneFactor;
  let required: PolicyKey = 'default';
  let acrBy: PolicyKey | undefined;
  let trust: readonly [days: number, by: PolicyKey] | undefined;
  for (const [key, rule] of rules) {
    if (rule.secondFactor === 'required' && (secondFactor === 'optional' || rule.graceDays < graceDays)) {
      secondFactor = 'required';
      graceDays = rule.graceDays;
      required = key;
    }
    if (acr === acrOneFactor && rule.acrValues.some((name) => names.meaningOf(name) !== acrOneFactor)) {
      // A name that is unknown here is taken for the stronger one: a lost alias must not open anything.
      acr = acrTwoFactors;
      acrBy = key;
    }
    if (rule.trustedBrowserDays !== null && (trust === undefined || rule.trustedBrowserDays < trust[0])) {
      trust = [rule.trustedBrowserDays, key];
    }
  }
  const allowed = rules.some(([key, rule]) => key.startsWith('client:') && (rule.trustedBrowserDays ?? 0) > 0);
  return {
    secondFactor,
    graceDays,
    acr,
    trustedBrowserDays: allowed ? Math.min(trust?.[0] ?? 0, longestTrustDays) : 0,
    decidedBy: { secondFactor: required, acr: acrBy, trustedBrowserDays: trust?.[1] },
  };
}
