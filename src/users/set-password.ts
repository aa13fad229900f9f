import type { PasswordHasher } from '../crypto/password-hasher.ts';
import type { RequestContext } from '../domain/audit-event.ts';
import { judgePassword, normalisePassword, type PasswordVerdict } from '../domain/password-policy.ts';
import type { InTransaction } from '../transaction.ts';
import type { UsersStores } from './stores.ts';

export interface PasswordSettings {
  readonly isCommon: (password: string) => boolean;
  /** The product's name and the issuer's host. */
  readonly contextWords: readonly string[];
}

export interface SetPasswordStores extends UsersStores {
  /** Sets the guard's totals to 0; only for a change with a second factor proven in the same act. */
  readonly clearGuard: (userId: string) => Promise<void>;
}

export interface SetPasswordDependencies {
  readonly inTransaction: InTransaction<SetPasswordStores>;
  readonly hasher: PasswordHasher;
  readonly settings: PasswordSettings;
}

export type SetPasswordOutcome = { readonly kind: 'set' } | Exclude<PasswordVerdict, { kind: 'good' }>;

/**
 * Sets a password that was proven to be wanted: every other browser, link, session and refresh token of the person goes
 * with the old one. `secondFactorProven` says that a code was accepted in the same act, which alone clears the guard.
 */
export function createSetPassword({ inTransaction, hasher, settings }: SetPasswordDependencies) {
  return async (input: {
    readonly userId: string;
    readonly names: readonly string[];
    readonly password: string;
    readonly secondFactorProven: boolean;
    readonly type: 'password.changed' | 'password.reset';
    readonly context: RequestContext;
  }): Promise<SetPasswordOutcome> => {
    const verdict = judgePassword(input.password, {
      withSecondFactor: true,
      isCommon: settings.isCommon,
      contextWords: [...settings.contextWords, ...input.names],
    });
    if (verdict.kind !== 'good') return verdict;
    const hash = await hasher.hash(normalisePassword(input.password));
    const { userId, context, type } = input;
    await inTransaction(async (stores) => {
      await stores.users.setPassword(userId, hash);
      await stores.knownBrowsers.forgetAll(userId);
      await stores.links.voidAll(userId);
      await stores.endSessions(userId);
      if (input.secondFactorProven) await stores.clearGuard(userId);
      await stores.audit.record({ type, actor: userId, target: userId, result: 'success', context });
      await stores.outbox.enqueue({ kind: 'password-changed', userId });
    });
    return { kind: 'set' };
  };
}
