import type { AcrNames } from '../domain/authentication.ts';
import { keysFor, mergePolicies, type NamedRule, type PolicyKey, type PolicyRule } from '../domain/policy.ts';
import type { User } from '../domain/user.ts';
import type { InTransaction } from '../transaction.ts';
import type { PolicyStore } from './policy-store.ts';

export interface RequiredOfDependencies {
  readonly inTransaction: InTransaction<{ readonly policies: PolicyStore }>;
  readonly names: AcrNames;
  readonly fallback: PolicyRule;
}

/** Whether each of these people must have a second factor whatever the relying party, by their id; in one query. */
export function createRequiredOf({ inTransaction, names, fallback }: RequiredOfDependencies) {
  return async (users: readonly Pick<User, 'id' | 'roles'>[]): Promise<ReadonlyMap<string, boolean>> => {
    const keys = new Map(users.map((user) => [user.id, keysFor(user.id, user.roles, '')]));
    const wanted = [...new Set<PolicyKey>(['default', ...[...keys.values()].flat()])];
    const found = await inTransaction(({ policies }) => policies.findAll(wanted));
    const rules = new Map(found.map(({ key, rule }) => [key, rule]));
    return new Map(
      users.map(({ id }) => {
        const own = (keys.get(id) ?? []).flatMap((key): NamedRule[] => {
          const rule = rules.get(key);
          return rule === undefined || key === 'default' ? [] : [[key, rule]];
        });
        const policy = mergePolicies([['default', rules.get('default') ?? fallback], ...own], names);
        return [id, policy.secondFactor === 'required'];
      }),
    );
  };
}
