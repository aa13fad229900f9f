import { timingSafeEqual } from 'node:crypto';
import { newId } from '../crypto/random.ts';
import type { SecretBox } from '../crypto/secret-box.ts';
import type { RequestContext } from '../domain/audit-event.ts';
import type { InTransaction } from '../transaction.ts';
import { secretContext } from './secret-context.ts';
import type { Seed } from './seed.ts';
import type { SecondFactorStores } from './stores.ts';

export interface ImportSeedStores extends SecondFactorStores {
  /** Whose user name or address this is. */
  readonly userIdOf: (login: string) => Promise<string | undefined>;
}

export type SeedOutcome =
  { readonly kind: 'bound'; readonly authenticatorId: string } | { readonly kind: 'refused'; readonly reason: string };

const mostAuthenticators = 5;

/**
 * Binds a hardware token to a person as one of their authenticators, five at most; the person is told. A code of it need
 * not be shown first: whoever handed the token out knows whom it went to. One that is bound already is refused.
 */
export function createImportSeed(inTransaction: InTransaction<ImportSeedStores>, secretBox: SecretBox) {
  return (seed: Seed, actor: string, context: RequestContext): Promise<SeedOutcome> =>
    inTransaction(async ({ userIdOf, authenticators, audit, outbox, endOtherSessions }) => {
      const refused = (reason: string): SeedOutcome => ({ kind: 'refused', reason });
      if (seed.username === '') return refused('nobody is named to whom it belongs');
      const userId = await userIdOf(seed.username);
      if (userId === undefined) return refused('there is no such user');
      const id = newId();
      const label = `Token ${seed.serial}`;
      const before = await authenticators.lockLive(userId);
      for (const one of before) {
        const secret = secretBox.open(one.secretSealed, secretContext(one));
        if (secret.length === seed.secret.length && timingSafeEqual(secret, seed.secret)) {
          return refused('this token is bound to the user already');
        }
      }
      if (before.length >= mostAuthenticators) return refused(`the user has ${mostAuthenticators} authenticators`);
      const { algorithm, digits, periodSeconds } = seed;
      const secretSealed = secretBox.seal(seed.secret, secretContext({ id, userId }));
      await authenticators.insertLive({ id, userId, label, secretSealed, algorithm, digits, periodSeconds });
      // A session that began with the password alone must not outlive this moment.
      if (before.length === 0) await endOtherSessions(userId, null);
      await audit.record({
        type: 'authenticator.imported',
        actor,
        target: userId,
        result: 'success',
        details: { authenticator: id },
        context,
      });
      await outbox.enqueue({ kind: 'authenticator-added', userId, details: { label }, context });
      return { kind: 'bound', authenticatorId: id };
    });
}
