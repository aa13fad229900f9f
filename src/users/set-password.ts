import type { PasswordHasher } from '../crypto/password-hasher.ts';
import type { RequestContext } from '../domain/audit-event.ts';
import { Fault } from '../errors.ts';
import type { LinkPurpose } from './link-store.ts';
import type { Proof } from '../domain/proof.ts';
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
  /** Closes challenges that the old password opened. */
  readonly voidChallenges: (userId: string) => Promise<void>;
  /** Forgets every browser the person signed in from or trusted. */
  readonly forgetBrowsers: (userId: string) => Promise<void>;
}

export interface SetPasswordDependencies {
  readonly inTransaction: InTransaction<SetPasswordStores>;
  readonly hasher: PasswordHasher;
  readonly settings: PasswordSettings;
  /** Whether the person signs in with a second factor, or must before anything is issued: then a shorter one will do. */
  readonly hasSecondFactor: (userId: string) => Promise<boolean>;
}

export type SetPasswordOutcome =
  { readonly kind: 'set'; readonly securityStamp: string } | Exclude<PasswordVerdict, { kind: 'good' }>;

/**
 * Sets a password that was proven to be wanted: every other browser, link, session and refresh token of the person goes
 * with the old one. `secondFactorProven` says that a code was accepted in the same act, which alone clears the guard.
 */
export function createSetPassword({ inTransaction, hasher, settings, hasSecondFactor }: SetPasswordDependencies) {
  return async (input: {
    readonly userId: string;
    readonly names: readonly string[];
    readonly password: string;
    readonly secondFactorProven: boolean;
    /** Proves what must be proven in the same act, once the password was found fit; throws, and nothing is changed. */
    readonly prove?: () => Promise<void>;
    /** The link by which it is set; used up in the same transaction. Throws `Fault` (`link_used`, 410). */
    readonly link?: { readonly tokenHash: string; readonly purposes: readonly LinkPurpose[] };
    readonly type: 'password.changed' | 'password.reset';
    /**
     * In what it is set; undefined where the link alone proves it. Throws `Fault` (`sign_in_gone`, 400) where that does not
     * stand any more.
     */
    readonly provenBy: Proof | undefined;
    /** The session in which the person did it; every other one ends. */
    readonly keepSession?: string | null | undefined;
    readonly context: RequestContext;
  }): Promise<SetPasswordOutcome> => {
    const verdict = judgePassword(input.password, {
      withSecondFactor: await hasSecondFactor(input.userId),
      isCommon: settings.isCommon,
      contextWords: [...settings.contextWords, ...input.names],
    });
    if (verdict.kind !== 'good') return verdict;
    const hash = await hasher.hash(normalisePassword(input.password));
    await input.prove?.();
    const { userId, context, type, link } = input;
    return inTransaction(async (stores) => {
      if (input.provenBy !== undefined) await stores.holdProof(userId, input.provenBy);
      if (link !== undefined && (await stores.links.use(link.tokenHash, link.purposes)) === undefined) {
        throw new Fault('link_used', 410, 'this link was used before or has expired');
      }
      await stores.users.setPassword(userId, hash);
      await stores.forgetBrowsers(userId);
      await stores.links.voidAll(userId);
      const securityStamp = await stores.endSessions(userId, input.keepSession ?? null);
      // Whoever stands at the code page by the old password starts again.
      await stores.voidChallenges(userId);
      if (input.secondFactorProven) await stores.clearGuard(userId);
      if (link !== undefined) {
        const event = { actor: userId, target: userId, result: 'success', context } as const;
        await stores.audit.record({ ...event, type: 'link.used', details: { purpose: link.purposes.join(' ') } });
      }
      await stores.audit.record({ type, actor: userId, target: userId, result: 'success', context });
      await stores.outbox.enqueue({ kind: 'password-changed', userId, context });
      return { kind: 'set', securityStamp };
    });
  };
}
