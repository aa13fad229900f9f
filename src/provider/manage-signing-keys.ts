import type { JWK } from 'jose';
import type { AuditLog } from '../audit/audit-log.ts';
import type { Clock } from '../clock.ts';
import type { SecretBox } from '../crypto/secret-box.ts';
import type { RequestContext } from '../domain/audit-event.ts';
import {
  dueChanges,
  signingAlgorithms,
  type SigningAlgorithm,
  type SigningKey,
  type SigningKeySchedule,
} from '../domain/signing-key.ts';
import { Conflict, NotFound } from '../errors.ts';
import type { InTransaction } from '../transaction.ts';
import { fingerprintOf, newSigningKey, openSigningKeys } from './signing-keys.ts';
import type { NewSigningKey, SigningKeyStore, StoredSigningKey } from './stores.ts';

export interface SigningKeyStores {
  readonly signingKeys: SigningKeyStore;
  readonly audit: AuditLog;
}

export interface ManageSigningKeysDependencies {
  readonly inTransaction: InTransaction<SigningKeyStores>;
  readonly secretBox: SecretBox;
  readonly schedule: SigningKeySchedule;
  readonly clock: Clock;
}

/** The keys as the engine takes them, and what tells one set from another. */
export interface LoadedSigningKeys {
  readonly jwks: { readonly keys: JWK[] };
  readonly fingerprint: string;
}

/** A key as operators see it; its private part never leaves. */
export interface ShownSigningKey extends SigningKey {
  readonly publicJwk: Record<string, unknown>;
}

export type ManageSigningKeys = ReturnType<typeof createManageSigningKeys>;

const service = {
  actor: 'service',
  context: { requestId: 'schedule', address: '', userAgent: '' },
} as const;

/** Signing keys: listed, rotated and revoked by operators, moved on by time; one lock makes replicas take turns. */
export function createManageSigningKeys({ inTransaction, secretBox, schedule, clock }: ManageSigningKeysDependencies) {
  const makeKeys = async (algorithms: readonly SigningAlgorithm[]): Promise<Map<SigningAlgorithm, NewSigningKey>> =>
    // Made before the transaction: an RSA key takes a good part of a second.
    new Map(await Promise.all(algorithms.map(async (name) => [name, await newSigningKey(name, secretBox)] as const)));

  const insert = async (
    { signingKeys, audit }: SigningKeyStores,
    key: NewSigningKey,
    state: 'published' | 'active',
    by: { readonly actor: string; readonly context: RequestContext },
  ): Promise<void> => {
    await signingKeys.insert(key, state, clock.now());
    const target = `signing-key:${key.kid}`;
    await audit.record({ ...by, type: 'signing-key.created', target, result: 'success', details: { key: key.kid } });
  };

  const activate = async (
    { signingKeys, audit }: SigningKeyStores,
    kid: string,
    previous: string | null,
    by: { readonly actor: string; readonly context: RequestContext },
  ): Promise<void> => {
    if (previous !== null) await signingKeys.setState(previous, 'retired', clock.now());
    await signingKeys.setState(kid, 'active', clock.now());
    const details = { key: kid, previous };
    const target = `signing-key:${kid}`;
    await audit.record({ ...by, type: 'signing-key.rotated', target, result: 'success', details });
  };

  return {
    /** All keys that are not yet forgotten, newest first. */
    list: (): Promise<ShownSigningKey[]> =>
      inTransaction(async ({ signingKeys }) => (await signingKeys.list()).map(shown)),

    /** Does what is due by the schedule and answers the keys to sign and verify with. Any replica, any time. */
    async advance(): Promise<LoadedSigningKeys> {
      const seen = await inTransaction(({ signingKeys }) => signingKeys.list());
      const due = dueChanges(seen, clock.now(), schedule);
      if (due.length === 0) return loaded(seen, secretBox);
      const made = await makeKeys(
        due.flatMap((change) =>
          change.kind === 'activate-new' || change.kind === 'publish' ? [change.algorithm] : [],
        ),
      );
      const stored = await inTransaction(async (stores) => {
        await stores.signingKeys.lock();
        const still = dueChanges(await stores.signingKeys.list(), clock.now(), schedule);
        for (const change of still) {
          if (change.kind === 'forget') await stores.signingKeys.remove(change.kid);
          else if (change.kind === 'activate') await activate(stores, change.kid, change.previous, service);
          else {
            const key = made.get(change.algorithm);
            const state = change.kind === 'publish' ? 'published' : 'active';
            if (key !== undefined) await insert(stores, key, state, service);
          }
        }
        return stores.signingKeys.list();
      });
      return loaded(stored, secretBox);
    },

    /**
     * Publishes a successor of each algorithm, or of the one given, now; it signs once caches can know it. With one
     * waiting already nothing is made. Answers the keys that wait.
     */
    async rotate(actor: string, context: RequestContext, algorithm?: SigningAlgorithm): Promise<ShownSigningKey[]> {
      const algorithms = algorithm === undefined ? signingAlgorithms : [algorithm];
      const made = await makeKeys(algorithms);
      return inTransaction(async (stores) => {
        await stores.signingKeys.lock();
        const before = await stores.signingKeys.list();
        for (const [name, key] of made) {
          const waits = before.some((one) => one.algorithm === name && one.state === 'published');
          if (!waits) await insert(stores, key, 'published', { actor, context });
        }
        const after = await stores.signingKeys.list();
        return after
          .filter((key) => key.state === 'published' && algorithms.includes(key.algorithm as never))
          .map(shown);
      });
    },

    /**
     * An emergency: the key neither signs nor verifies, on every replica within a minute, and its successor signs at
     * once. Throws `NotFound`, and `Conflict` (`key_revoked`) where it was revoked before.
     */
    async revoke(kid: string, reason: string, actor: string, context: RequestContext): Promise<ShownSigningKey> {
      const found = (await inTransaction(({ signingKeys }) => signingKeys.list())).find((key) => key.kid === kid);
      if (found === undefined) throw new NotFound('no such signing key');
      const made = await makeKeys([found.algorithm]);
      return inTransaction(async (stores) => {
        const { signingKeys, audit } = stores;
        await signingKeys.lock();
        const keys = await signingKeys.list();
        const key = keys.find((one) => one.kid === kid);
        if (key === undefined) throw new NotFound('no such signing key');
        if (key.state === 'revoked') throw new Conflict('key_revoked', 'this signing key was revoked before');
        await signingKeys.setState(kid, 'revoked', clock.now());
        const target = `signing-key:${kid}`;
        const event = { actor, target, result: 'success', reason, details: { key: kid }, context } as const;
        await audit.record({ ...event, type: 'signing-key.revoked' });
        if (key.state === 'active') {
          const next = keys.find((one) => one.algorithm === key.algorithm && one.state === 'published');
          const fresh = made.get(key.algorithm);
          if (next !== undefined) await activate(stores, next.kid, null, { actor, context });
          else if (fresh !== undefined) await insert(stores, fresh, 'active', { actor, context });
        }
        const after = (await signingKeys.list()).find((one) => one.kid === kid);
        return shown(after ?? key);
      });
    },
  };
}

function loaded(stored: readonly StoredSigningKey[], secretBox: SecretBox): LoadedSigningKeys {
  return { jwks: openSigningKeys(stored, secretBox), fingerprint: fingerprintOf(stored) };
}

function shown({ privateSealed: _privateSealed, ...key }: StoredSigningKey): ShownSigningKey {
  return key;
}
