import type { PasswordHasher } from '../crypto/password-hasher.ts';
import { newBytes, newId } from '../crypto/random.ts';
import { recoveryCodeFrom, recoveryCodeRandomBytes, recoveryCodesInSet } from '../domain/recovery-code.ts';
import type { StoredRecoveryCode } from './recovery-code-store.ts';

export interface RecoveryCodeSet {
  /** What the person sees, once. */
  readonly display: readonly string[];
  readonly stored: readonly StoredRecoveryCode[];
}

/** Ten new codes and their hashes, computed before any transaction so that none waits for a hash. */
export async function newRecoveryCodeSet(hasher: PasswordHasher): Promise<RecoveryCodeSet> {
  const codes = new Map<string, ReturnType<typeof recoveryCodeFrom>>();
  while (codes.size < recoveryCodesInSet) {
    const code = recoveryCodeFrom(newBytes(recoveryCodeRandomBytes));
    codes.set(code.prefix, code);
  }
  const list = [...codes.values()];
  const stored = await Promise.all(
    list.map(async ({ prefix, normalised }) => ({
      id: newId(),
      prefix,
      pattern: null,
      hash: await hasher.hash(normalised),
    })),
  );
  return { display: list.map(({ display }) => display), stored };
}
