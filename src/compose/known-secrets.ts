import { equalInConstantTime, hashToken } from '../crypto/random.ts';
import type { LiveSecret } from '../relying-parties/relying-party-store.ts';
import { createKnownClients } from './known-clients.ts';

interface KnownSecret {
  readonly hash: string;
  /** By the process's own clock, which nobody sets. */
  readonly until: number;
}

/**
 * Compares a presented secret with a client's live ones, which are kept for a second together with its metadata: one
 * that another replica made void may be taken for so long. An end that was set beforehand is kept to the moment, and
 * nothing is refused by what is kept, so that a new secret works at once, everywhere.
 */
export function createKnownSecrets(read: (clientId: string) => Promise<readonly LiveSecret[]>) {
  const kept = createKnownClients(async (clientId): Promise<readonly KnownSecret[] | undefined> => {
    // Before the question: counted from here, none ends later than the database says.
    const asked = performance.now();
    const live = await read(clientId);
    if (live.length === 0) return undefined;
    return live.map(({ hash, secondsLeft }) => ({ hash, until: asked + (secondsLeft ?? Infinity) * 1000 }));
  });
  const isAmong = (secrets: readonly KnownSecret[] | undefined, hash: string): boolean =>
    secrets !== undefined &&
    secrets.some((secret) => secret.until > performance.now() && equalInConstantTime(secret.hash, hash));

  return {
    async check(clientId: string, secret: string): Promise<boolean> {
      const hash = hashToken(secret);
      const known = kept.known(clientId);
      // What another request asked for failed; this one asks by itself.
      if (known !== undefined && isAmong(await known.catch(() => undefined), hash)) return true;
      return isAmong(await kept.findAnew(clientId), hash);
    },
    /** To be called after a change made here was committed. */
    forget: kept.forget,
  };
}
