import type { SecretContext } from '../crypto/secret-box.ts';

/** Where an authenticator's shared secret belongs: a copy into another person's row does not open. */
export function secretContext({ id, userId }: { readonly id: string; readonly userId: string }): SecretContext {
  return { table: 'authenticators', column: 'secret_sealed', owner: userId, row: id };
}
