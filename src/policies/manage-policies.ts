import type { AcrNames } from '../domain/authentication.ts';
import { serviceContext, type RequestContext } from '../domain/audit-event.ts';
import { policyDocument, readPolicy, type PolicyDocument } from '../domain/policy-document.ts';
import { policyKey, type PolicyKey, type PolicyRule } from '../domain/policy.ts';
import { Conflict, InvalidInput, NotFound } from '../errors.ts';
import type { StoredPolicy } from './policy-store.ts';
import type { InPolicyTransaction, PolicyStores } from './stores.ts';

export interface ManagePoliciesDependencies {
  readonly inTransaction: InPolicyTransaction;
  readonly names: AcrNames;
}

/** A policy as operators see it. */
export interface ShownPolicy extends PolicyDocument {
  readonly key: PolicyKey;
  readonly source: 'settings' | 'operator';
  readonly updated_at: string;
  readonly version: number;
}

/**
 * What operators do with policies; keys are `default`, `client:ID`, `role:NAME` and `user:ID`. A wrong key or document
 * is an `InvalidInput` that names the field, an absent policy, person or relying party a `NotFound`.
 */
export function createManagePolicies({ inTransaction, names }: ManagePoliciesDependencies) {
  return {
    list: (): Promise<ShownPolicy[]> =>
      inTransaction(async ({ policies }) => (await policies.list()).map((policy) => shown(policy))),

    get: (key: string): Promise<ShownPolicy> =>
      inTransaction(async ({ policies }) => {
        const found = await policies.find(checkedKey(key));
        if (found === undefined) throw new NotFound(`there is no policy '${key}'`);
        return shown(found);
      }),

    /** Makes it so; `expectedVersion` is what the caller read (If-Match), where it read anything. */
    put: (
      key: string,
      document: unknown,
      actor: string,
      context: RequestContext,
      expectedVersion?: number,
    ): Promise<ShownPolicy> => {
      const wanted = checkedKey(key);
      const rule = checkedRule(names, wanted, document);
      return inTransaction(async (stores) => {
        const before = await stores.policies.find(wanted);
        checkVersion(before, expectedVersion);
        await checkSubject(stores, wanted);
        const stored = await stores.policies.put(wanted, rule);
        await recordPolicyChange(stores, wanted, before?.rule, rule, actor, context);
        return shown(stored);
      });
    },

    /** Takes a policy back. Without a default policy the setting TWOFOLD_SECOND_FACTOR holds again. */
    remove: (key: string, actor: string, context: RequestContext, expectedVersion?: number): Promise<void> => {
      const wanted = checkedKey(key);
      return inTransaction(async (stores) => {
        const before = await stores.policies.find(wanted);
        checkVersion(before, expectedVersion);
        if (before === undefined || !(await stores.policies.remove(wanted))) {
          throw new NotFound(`there is no policy '${key}'`);
        }
        await recordPolicyChange(stores, wanted, before.rule, undefined, actor, context);
      });
    },

    /** Makes the stored policies as the settings file says, but for those an operator wrote or removed. */
    seed: (wanted: ReadonlyMap<PolicyKey, PolicyRule>): Promise<void> =>
      inTransaction(async (stores) => {
        for (const [key, rule] of wanted) {
          const before = await stores.policies.find(key);
          if (await stores.policies.seed(key, rule)) {
            await recordPolicyChange(stores, key, before?.rule, rule, 'service', serviceContext);
          }
        }
        for (const key of await stores.policies.unseed([...wanted.keys()])) {
          await recordPolicyChange(stores, key, undefined, undefined, 'service', serviceContext);
        }
      }),
  };
}

function checkedKey(text: string): PolicyKey {
  const key = policyKey(text);
  if (key !== undefined) return key;
  throw new InvalidInput('key', 'a policy is for default, client:ID, role:NAME or user:ID');
}

function checkedRule(names: AcrNames, key: PolicyKey, document: unknown): PolicyRule {
  const read = readPolicy(key, document);
  if (read.kind === 'faulty') throw new InvalidInput(read.field, read.message);
  const unknown = read.rule.acrValues.find((name) => names.meaningOf(name) === undefined);
  if (unknown !== undefined) throw new InvalidInput('acr_values', `the acr value '${unknown}' is not known here`);
  return read.rule;
}

function checkVersion(before: StoredPolicy | undefined, expected: number | undefined): void {
  if (expected === undefined || before?.version === expected) return;
  throw new Conflict('version_changed', 'somebody else changed this policy meanwhile');
}

/** A policy for nobody would be a mistyped one that its author believes in. */
async function checkSubject(stores: PolicyStores, key: PolicyKey): Promise<void> {
  const [kind, name] = [key.slice(0, key.indexOf(':')), key.slice(key.indexOf(':') + 1)];
  if (kind === 'client' && (await stores.clientAcrValues(name)) === undefined) {
    throw new NotFound(`there is no relying party '${name}'`);
  }
  if (kind === 'user' && (await stores.users.find(name)) === undefined) throw new NotFound('no such user');
}

/** Records that a policy came, changed or went. */
export async function recordPolicyChange(
  { audit }: Pick<PolicyStores, 'audit'>,
  policy: PolicyKey,
  before: PolicyRule | undefined,
  after: PolicyRule | undefined,
  actor: string,
  context: RequestContext,
): Promise<void> {
  const text = (rule: PolicyRule | undefined) => (rule === undefined ? null : JSON.stringify(policyDocument(rule)));
  const details = { policy, before: text(before), after: text(after) };
  const target = policy.startsWith('user:') ? policy.slice('user:'.length) : policy.startsWith('client:') ? policy : '';
  await audit.record({ type: 'policy.changed', actor, target, result: 'success', details, context });
}

function shown({ key, rule, source, updatedAt, version }: StoredPolicy): ShownPolicy {
  return { key, ...policyDocument(rule), source, updated_at: updatedAt.toISOString(), version };
}
