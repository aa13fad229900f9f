import type { Role } from './user.ts';

/** What the record says of an account, oldest first. */
export interface AccountEvent {
  readonly at: Date;
  readonly type: string;
  readonly actor: string;
  readonly details: Readonly<Record<string, unknown>>;
}

export interface HeldRole {
  readonly role: Role;
  /** RFC 3339; empty where the record does not go back so far. */
  readonly since: string;
  /** Who gave it; empty where the record does not say. */
  readonly by: string;
}

/** Since when and by whom somebody holds the roles they hold now, from the account's own events. */
export function rolesHeld(roles: readonly Role[], events: readonly AccountEvent[]): HeldRole[] {
  const changes = events.filter(({ details }) => typeof details['after'] === 'string');
  const made = events.find(({ type }) => type === 'user.created' || type === 'user.imported');
  return [...roles].sort().map((role) => {
    // Back to the last change that gave the role; without one, it came with the account.
    const gave = changes.findLast(({ details }) => listed(details['after'], role) && !listed(details['before'], role));
    const from = gave ?? made;
    return { role, since: from?.at.toISOString() ?? '', by: from?.actor ?? '' };
  });
}

function listed(roles: unknown, role: Role): boolean {
  return typeof roles === 'string' && roles.split(' ').includes(role);
}
