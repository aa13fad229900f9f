import { policyKey, longestGraceDays, longestTrustDays, type PolicyKey, type PolicyRule } from '../domain/policy.ts';
import { readPolicy } from '../domain/policy-document.ts';

export interface ReadPolicies {
  readonly policies: ReadonlyMap<PolicyKey, PolicyRule>;
  readonly faults: readonly { readonly at: string; readonly message: string; readonly got: string }[];
}

/** The section `policies` of a settings file: a policy by its key. Every fault is answered, not the first alone. */
export function policiesOf(section: unknown): ReadPolicies {
  const policies = new Map<PolicyKey, PolicyRule>();
  const faults: { at: string; message: string; got: string }[] = [];
  if (section === undefined || section === null) return { policies, faults };
  if (typeof section !== 'object' || Array.isArray(section)) {
    return { policies, faults: [{ at: 'policies', message: 'must hold policies by their key', got: textOf(section) }] };
  }
  for (const [name, document] of Object.entries(section as Record<string, unknown>)) {
    const at = `policies.${name}`;
    const key = policyKey(name);
    if (key === undefined) {
      faults.push({ at, message: 'a policy is for default, client:ID, role:NAME or user:ID', got: name });
      continue;
    }
    const read = readPolicy(key, document);
    if (read.kind === 'policy') policies.set(key, read.rule);
    else faults.push({ at, message: read.message, got: textOf(document) });
  }
  return { policies, faults };
}

/** The section as a JSON Schema, for editors. */
export const policiesSchema = {
  description:
    'Second-factor policies by default, client:ID, role:NAME or user:ID; the strictest that applies wins. An operator who writes or deletes one wins over this file.',
  type: 'object',
  propertyNames: { pattern: '^(default|client:[!-~]{1,200}|role:[a-z-]+|user:[0-9a-f-]{36})$' },
  additionalProperties: {
    type: 'object',
    additionalProperties: false,
    properties: {
      second_factor: { enum: ['required', 'optional'] },
      grace_days: { type: 'integer', minimum: 0, maximum: longestGraceDays },
      acr_values: { type: 'array', items: { type: 'string' }, maxItems: 10 },
      trusted_browser_days: { type: ['integer', 'null'], minimum: 0, maximum: longestTrustDays },
    },
  },
};

/** The section as the example file shows it. */
export const policiesExample = [
  'policies:',
  `  # Second-factor policies; the strictest that applies wins. Not in the environment, in this file alone.`,
  '  # default: { second_factor: required, grace_days: 14 }',
  '  # "client:shop": { trusted_browser_days: 30 }',
  '  # "role:operator": { second_factor: required, acr_values: ["urn:twofold:acr:2fa"] }',
];

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : (JSON.stringify(value) ?? '');
}
