import { newToken } from '../crypto/random.ts';
import type { AcrNames } from '../domain/authentication.ts';
import type { RequestContext } from '../domain/audit-event.ts';
import { Conflict, Fault, NotFound } from '../errors.ts';
import type { InTransaction } from '../transaction.ts';
import { readRelyingParty, type RelyingPartyRequest, type RelyingPartyStores } from './manage-relying-parties.ts';
import { hasSecrets, toStore } from './client-secrets.ts';
import type { ListedSecret, RelyingParty, StoredRelyingParty } from './relying-party-store.ts';

export interface AdministerStores extends RelyingPartyStores {
  /** Ends all that was granted to it, and forgets consents and policies. */
  readonly forgetClient: (clientId: string, actor: string, context: RequestContext) => Promise<void>;
}

export interface AdministerDependencies {
  readonly inTransaction: InTransaction<AdministerStores>;
  /** What the engine itself demands of metadata; throws `InvalidInput`. */
  readonly checkMetadata: (relyingParty: RelyingParty) => void;
  /** Which `acr` values there are. */
  readonly acrNames: AcrNames;
}

export interface ShownRelyingParty {
  readonly relyingParty: StoredRelyingParty;
  readonly secrets: readonly ListedSecret[];
}

export interface NewSecret {
  readonly id: string;
  /** Shown this once. */
  readonly secret: string;
}

/** How many secrets may be valid at once: the one in use, and the one that takes over. */
const mostSecrets = 2;

/** What operators do with one relying party at a time. Each throws `NotFound` where there is no such one. */
export function createAdministerRelyingParties({ inTransaction, checkMetadata, acrNames }: AdministerDependencies) {
  return {
    page: (query: string | undefined, limit: number, after: string | undefined): Promise<ShownRelyingParty[]> =>
      inTransaction(async ({ relyingParties }) => {
        const shown: ShownRelyingParty[] = [];
        for (const relyingParty of await relyingParties.page(query, limit, after)) {
          shown.push({ relyingParty, secrets: await relyingParties.listSecrets(relyingParty.clientId) });
        }
        return shown;
      }),

    count: (query: string | undefined): Promise<number> =>
      inTransaction(({ relyingParties }) => relyingParties.count(query)),

    find: (clientId: string): Promise<ShownRelyingParty> => inTransaction((stores) => show(stores, clientId)),

    /** Throws `Conflict` (`client_exists`). Answers a secret where one was made, this once. */
    create: (request: RelyingPartyRequest, actor: string, context: RequestContext) => {
      const { wanted, givenSecret, confidential } = readRelyingParty(request, acrNames);
      checkMetadata(wanted);
      return inTransaction(async (stores) => {
        const { clientId } = wanted;
        if ((await stores.relyingParties.find(clientId)) !== undefined) {
          throw new Conflict('client_exists', 'this client_id is taken', 'client_id');
        }
        await stores.relyingParties.put(wanted);
        const made = confidential && givenSecret === undefined ? newToken() : null;
        const secret = made ?? givenSecret;
        if (secret !== undefined) await stores.relyingParties.addSecret(clientId, toStore(secret, wanted.metadata));
        await record(stores, 'created', clientId, Object.keys(request), actor, context);
        return { ...(await show(stores, clientId)), secret: made };
      });
    },

    /** Lays the given fields over what stands, null takes one away; only where `expectedVersion` still stands. */
    update: (
      clientId: string,
      patch: RelyingPartyRequest,
      actor: string,
      context: RequestContext,
      expectedVersion?: number,
    ): Promise<ShownRelyingParty> =>
      inTransaction(async (stores) => {
        const before = await stores.relyingParties.lock(clientId);
        checkVersion(before, expectedVersion);
        const merged: Record<string, unknown> = { ...asRequest(before), ...patch };
        for (const [name, value] of Object.entries(merged)) if (value === null) delete merged[name];
        const { wanted } = readRelyingParty(merged, acrNames);
        checkMetadata(wanted);
        await stores.relyingParties.put(wanted);
        await record(stores, 'changed', clientId, Object.keys(patch), actor, context);
        return show(stores, clientId);
      }),

    remove: (clientId: string, actor: string, context: RequestContext, expectedVersion?: number): Promise<void> =>
      inTransaction(async (stores) => {
        checkVersion(await stores.relyingParties.lock(clientId), expectedVersion);
        await stores.relyingParties.remove(clientId);
        await stores.forgetClient(clientId, actor, context);
        await record(stores, 'deleted', clientId, [], actor, context);
      }),

    /**
     * Another secret beside the one in use, which ends after `previousExpiresIn` seconds where that is given. Throws
     * `Conflict` (`too_many_secrets`, `no_secrets`).
     */
    addSecret: (
      clientId: string,
      previousExpiresIn: number | undefined,
      actor: string,
      context: RequestContext,
    ): Promise<NewSecret> =>
      inTransaction(async (stores) => {
        const party = await stores.relyingParties.lock(clientId);
        if (party === undefined) throw new NotFound('no such relying party');
        if (!hasSecrets(party.metadata)) {
          throw new Conflict('no_secrets', 'this relying party authenticates without a secret');
        }
        if ((await stores.relyingParties.listSecrets(clientId)).length >= mostSecrets) {
          throw new Conflict('too_many_secrets', 'two secrets are valid; delete one of them first');
        }
        const secret = newToken();
        const id = await stores.relyingParties.addSecret(clientId, toStore(secret, party.metadata));
        if (previousExpiresIn !== undefined) {
          await stores.relyingParties.expireOtherSecrets(clientId, id, previousExpiresIn);
        }
        await recordSecret(stores, 'secret-added', clientId, id, actor, context);
        return { id, secret };
      }),

    removeSecret: (clientId: string, secretId: string, actor: string, context: RequestContext): Promise<void> =>
      inTransaction(async (stores) => {
        if ((await stores.relyingParties.lock(clientId)) === undefined) throw new NotFound('no such relying party');
        if (!(await stores.relyingParties.removeSecret(clientId, secretId))) throw new NotFound('no such secret');
        await recordSecret(stores, 'secret-removed', clientId, secretId, actor, context);
      }),
  };
}

/** A stored relying party in the names in which it is written. */
export function asRequest(party: RelyingParty): Record<string, unknown> {
  return {
    client_id: party.clientId,
    ...party.metadata,
    require_pkce: party.requirePkce,
    first_party: party.firstParty,
    acr_values: [...party.acrValues],
  };
}

async function show({ relyingParties }: AdministerStores, clientId: string): Promise<ShownRelyingParty> {
  const relyingParty = await relyingParties.read(clientId);
  if (relyingParty === undefined) throw new NotFound('no such relying party');
  return { relyingParty, secrets: await relyingParties.listSecrets(clientId) };
}

function checkVersion(
  party: StoredRelyingParty | undefined,
  expected: number | undefined,
): asserts party is StoredRelyingParty {
  if (party === undefined) throw new NotFound('no such relying party');
  if (expected !== undefined && party.version !== expected) {
    throw new Fault('version_changed', 412, 'somebody else changed this meanwhile');
  }
}

async function record(
  { audit }: AdministerStores,
  act: 'created' | 'changed' | 'deleted',
  clientId: string,
  changed: readonly string[],
  actor: string,
  context: RequestContext,
): Promise<void> {
  const fields = changed.filter((name) => name !== 'client_secret').sort();
  const details = { client: clientId, fields: fields.join(' ') };
  const target = `client:${clientId}`;
  await audit.record({ type: `relying-party.${act}`, actor, target, result: 'success', details, context });
}

async function recordSecret(
  { audit }: AdministerStores,
  act: 'secret-added' | 'secret-removed',
  clientId: string,
  secret: string,
  actor: string,
  context: RequestContext,
): Promise<void> {
  const details = { client: clientId, secret };
  const target = `client:${clientId}`;
  await audit.record({ type: `relying-party.${act}`, actor, target, result: 'success', details, context });
}
