import type { Role, User } from '../domain/user.ts';
import { Forbidden } from '../errors.ts';
import { adminScopes, type AdminScope } from '../provider/resource-servers.ts';

/** Who acts: a person with roles, or a service. */
export interface Actor {
  /** As the record names it: a user's id or `client:<id>`. */
  readonly id: string;
  /** Null for a service. */
  readonly user: User | null;
  /** The client through which the call came. */
  readonly clientId: string;
  readonly scopes: ReadonlySet<AdminScope>;
}

const scopesOfRole: Readonly<Record<Role, readonly AdminScope[]>> = {
  operator: adminScopes,
  'help-desk': [
    'admin:users:read',
    'admin:second-factor',
    'admin:second-factor:read',
    'admin:sessions',
    'admin:sessions:read',
  ],
  auditor: adminScopes.filter((scope) => scope.endsWith(':read')),
};

/** Everything the roles of a person allow. */
export function scopesOfRoles(roles: readonly Role[]): ReadonlySet<AdminScope> {
  return new Set(roles.flatMap((role) => scopesOfRole[role]));
}

/** The admin scopes among `granted` that `allowed` has too. */
export function cutScopes(granted: Iterable<string>, allowed: ReadonlySet<string>): ReadonlySet<AdminScope> {
  const names = new Set(granted);
  return new Set(adminScopes.filter((scope) => names.has(scope) && (allowed.has(scope) || covers(allowed, scope))));
}

/** Whether the scopes allow a call: who may change an area may read it too. */
export function covers(scopes: ReadonlySet<string>, needed: AdminScope): boolean {
  return scopes.has(needed) || (needed.endsWith(':read') && scopes.has(needed.slice(0, -':read'.length)));
}

/**
 * Whether one may act on a person at all. Whoever takes over an account gets its roles, so accounts with a role are
 * for operators alone, and for services that could give roles themselves. Throws `Forbidden` (`target_has_role`).
 */
export function checkTarget(actor: Actor, target: Pick<User, 'roles'>): void {
  if (!mayActOn(actor, target)) {
    throw new Forbidden('target_has_role', 'only an operator may act on somebody who has a role');
  }
}

/** Whether `checkTarget` lets this actor act on this person. */
export function mayActOn(actor: Actor, target: { readonly roles: readonly string[] }): boolean {
  if (target.roles.length === 0) return true;
  return actor.user === null ? actor.scopes.has('admin:users') : actor.user.roles.includes('operator');
}

/** Nobody resets their own second factor, nor gets a link to their own account. Throws `Forbidden` (`own_account`). */
export function checkNotSelf(actor: Actor, targetId: string): void {
  if (actor.user?.id === targetId) throw new Forbidden('own_account', 'another operator has to do this for you');
}
