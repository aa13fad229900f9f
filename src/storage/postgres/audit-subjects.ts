import type { SecretContext } from '../../crypto/secret-box.ts';

const personPattern = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** Whether an actor or target is a person: people are named by their id alone. */
export function isPerson(name: string): boolean {
  return personPattern.test(name);
}

/**
 * Whose keys seal an event: where it came from belongs to the person who acted, else to the one concerned; what is said
 * of a person belongs to the one concerned. What belongs to nobody we know has a key of its own.
 */
export function subjectsOf({ actor, target }: { readonly actor: string; readonly target: string }): {
  readonly origin: string;
  readonly personal: string;
} {
  const person = isPerson(actor) ? actor : isPerson(target) ? target : nobody;
  return { origin: person, personal: isPerson(target) ? target : person };
}

/** The key for events of nobody we know: a stranger's address at a name that does not exist. */
export const nobody = 'nobody';

export function originContext(subject: string): SecretContext {
  return { table: 'audit_events', column: 'origin_sealed', owner: subject, row: '' };
}

export function personalContext(subject: string): SecretContext {
  return { table: 'audit_events', column: 'personal_sealed', owner: subject, row: '' };
}
