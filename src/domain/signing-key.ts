/** RS256 must be there for compatibility (OpenID Connect Core section 15.1); ES256 is cheaper, EdDSA newer. */
export const signingAlgorithms = ['RS256', 'ES256', 'EdDSA'] as const;
export type SigningAlgorithm = (typeof signingAlgorithms)[number];

/**
 * A key's life: published ahead, so that whoever caches the keys knows it before it signs; active, the one that signs;
 * retired, verifying what it signed; revoked, gone from the published keys at once.
 */
export type SigningKeyState = 'published' | 'active' | 'retired' | 'revoked';

export interface SigningKey {
  readonly kid: string;
  readonly algorithm: SigningAlgorithm;
  readonly state: SigningKeyState;
  readonly publishedAt: Date;
  readonly activatedAt: Date | null;
  readonly retiredAt: Date | null;
  readonly revokedAt: Date | null;
}

export interface SigningKeySchedule {
  /** How old an active key grows before its successor is published. */
  readonly rotateAfterSeconds: number;
  /** How long a key is published before it signs; at least as long as caches may keep the keys. */
  readonly aheadSeconds: number;
  /** How long a retired key goes on verifying: `id_token_hint` is an old token by its nature. */
  readonly retiredSeconds: number;
}

export type SigningKeyChange =
  | { readonly kind: 'activate-new'; readonly algorithm: SigningAlgorithm }
  | { readonly kind: 'publish'; readonly algorithm: SigningAlgorithm }
  | { readonly kind: 'activate'; readonly kid: string; readonly previous: string | null }
  | { readonly kind: 'forget'; readonly kid: string };

/** What is due now, in the order in which it is done. Nothing is due twice: each change makes itself undue. */
export function dueChanges(keys: readonly SigningKey[], now: Date, schedule: SigningKeySchedule): SigningKeyChange[] {
  const olderThan = (at: Date | null, seconds: number): boolean =>
    at !== null && now.getTime() - at.getTime() >= seconds * 1000;
  const changes: SigningKeyChange[] = [];
  for (const algorithm of signingAlgorithms) {
    const ofThis = keys.filter((key) => key.algorithm === algorithm);
    const active = ofThis.find(({ state }) => state === 'active');
    const next = ofThis.find(({ state }) => state === 'published');
    if (active === undefined) {
      // Nothing signs: a waiting key that relying parties may not know yet is better than none.
      if (next === undefined) changes.push({ kind: 'activate-new', algorithm });
      else changes.push({ kind: 'activate', kid: next.kid, previous: null });
    } else if (next !== undefined && olderThan(next.publishedAt, schedule.aheadSeconds)) {
      changes.push({ kind: 'activate', kid: next.kid, previous: active.kid });
    } else if (next === undefined && olderThan(active.activatedAt, schedule.rotateAfterSeconds)) {
      changes.push({ kind: 'publish', algorithm });
    }
  }
  for (const key of keys) {
    if (key.state === 'retired' && olderThan(key.retiredAt, schedule.retiredSeconds)) {
      changes.push({ kind: 'forget', kid: key.kid });
    }
  }
  return changes;
}
