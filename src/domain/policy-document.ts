import { longestGraceDays, longestTrustDays, type PolicyKey, type PolicyRule } from './policy.ts';

/** A policy as operators write and read it: in a settings file, at the admin API, on the command line. */
export interface PolicyDocument {
  readonly second_factor: PolicyRule['secondFactor'];
  readonly grace_days: number;
  readonly acr_values: readonly string[];
  readonly trusted_browser_days: number | null;
}

export type ReadPolicy =
  | { readonly kind: 'policy'; readonly rule: PolicyRule }
  | { readonly kind: 'faulty'; readonly field: string; readonly message: string };

const fields = new Set(['second_factor', 'grace_days', 'acr_values', 'trusted_browser_days']);

/** Reads what an operator wrote for `key`; the first thing that is wrong is told. */
export function readPolicy(key: PolicyKey, document: unknown): ReadPolicy {
  if (typeof document !== 'object' || document === null || Array.isArray(document)) {
    return faulty('', 'a policy is a set of fields');
  }
  const given = document as Readonly<Record<string, unknown>>;
  const unknown = Object.keys(given).find((name) => !fields.has(name));
  if (unknown !== undefined) return faulty(unknown, `a policy has no field '${unknown.slice(0, 40)}'`);
  const secondFactor = given['second_factor'] ?? (key === 'default' ? undefined : 'optional');
  if (secondFactor !== 'required' && secondFactor !== 'optional') {
    return faulty('second_factor', "second_factor is 'required' or 'optional'");
  }
  const graceDays = given['grace_days'] ?? 0;
  if (!isWhole(graceDays, longestGraceDays)) {
    return faulty('grace_days', `grace_days is a whole number of days from 0 to ${longestGraceDays}`);
  }
  if (graceDays > 0 && secondFactor === 'optional') {
    return faulty('grace_days', 'grace_days goes with a second factor that is required');
  }
  const acrValues = given['acr_values'] ?? [];
  if (!Array.isArray(acrValues) || acrValues.length > 10 || !acrValues.every(isAcrValue)) {
    return faulty('acr_values', 'acr_values is a list of names without spaces');
  }
  const trustedBrowserDays = given['trusted_browser_days'] ?? null;
  if (trustedBrowserDays !== null && !isWhole(trustedBrowserDays, longestTrustDays)) {
    return faulty('trusted_browser_days', `trusted_browser_days is a whole number from 0 to ${longestTrustDays}`);
  }
  return { kind: 'policy', rule: { secondFactor, graceDays, acrValues, trustedBrowserDays } };
}

/** The same rule in the names of the document. */
export function policyDocument(rule: PolicyRule): PolicyDocument {
  return {
    second_factor: rule.secondFactor,
    grace_days: rule.graceDays,
    acr_values: rule.acrValues,
    trusted_browser_days: rule.trustedBrowserDays,
  };
}

function faulty(field: string, message: string): ReadPolicy {
  return { kind: 'faulty', field, message };
}

function isWhole(value: unknown, most: number): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= most;
}

function isAcrValue(value: unknown): value is string {
  return typeof value === 'string' && /^[\x21-\x7e]{1,255}$/.test(value);
}
