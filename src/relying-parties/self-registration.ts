import { equalInConstantTime, hashToken, newId, newToken } from '../crypto/random.ts';
import type { AcrNames } from '../domain/authentication.ts';
import type { RequestContext } from '../domain/audit-event.ts';
import { Fault, InvalidInput } from '../errors.ts';
import type { InTransaction } from '../transaction.ts';
import type { AdministerStores } from './administer-relying-parties.ts';
import { isKnownField, readRelyingParty } from './manage-relying-parties.ts';
import { signsWithSecret, toStore } from './client-secrets.ts';
import { tokenExchangeField } from './token-exchange-policy.ts';
import type { RegistrationTokenStore } from './registration-token-store.ts';
import type { RelyingParty } from './relying-party-store.ts';

export type RegistrationMode = 'off' | 'initial-access-token' | 'open';

export interface SelfRegistrationStores extends AdministerStores {
  readonly registrationTokens: RegistrationTokenStore;
}

export interface SelfRegistrationDependencies {
  readonly inTransaction: InTransaction<SelfRegistrationStores>;
  readonly mode: RegistrationMode;
  /** Scopes that nobody has to allow; all others are for operators to give. */
  readonly freeScopes: ReadonlySet<string>;
  /** What the engine itself demands of metadata; throws `InvalidInput`. */
  readonly checkMetadata: (relyingParty: RelyingParty) => void;
  /** Which `acr` values there are. */
  readonly acrNames: AcrNames;
}

type Metadata = Readonly<Record<string, unknown>>;

export interface Registered {
  readonly relyingParty: RelyingParty;
  readonly createdAt: Date;
  /** Made here, and shown this once. */
  readonly secret: string | null;
}

/** What only operators decide: who skips consent, who goes without PKCE, what is ours. */
const operatorsOwn = new Set([
  'client_id',
  'client_secret',
  'first_party',
  'require_pkce',
  'acr_values',
  tokenExchangeField,
  'authorization_details_types',
]);
const grantsForAnyone = new Set([
  'authorization_code',
  'refresh_token',
  'urn:ietf:params:oauth:grant-type:device_code',
]);
/** What the service says of a client and a client never of itself (RFC 7592 section 2.2). */
const saidByUs = [
  'registration_access_token',
  'registration_client_uri',
  'client_secret_expires_at',
  'client_id_issued_at',
];
const bearerRefused = () => new Fault('invalid_token', 401, 'this token opens no registration');

/** Dynamic registration and its management (RFC 7591, RFC 7592), by the same rules as operators' own registrations. */
export function createSelfRegistration({
  inTransaction,
  mode,
  freeScopes,
  checkMetadata,
  acrNames,
}: SelfRegistrationDependencies) {
  const read = (asked: Metadata, clientId: string) => {
    const { wanted, confidential } = readRelyingParty(
      { ...selected(asked, freeScopes), client_id: clientId },
      acrNames,
    );
    checkMetadata(wanted);
    return { wanted, confidential };
  };
  /** The client that this token manages, if that is the one it was sent for. */
  const owned = async (stores: SelfRegistrationStores, clientId: string, bearer: string | undefined) => {
    const owner = bearer === undefined ? undefined : await stores.registrationTokens.findOwner(hashToken(bearer));
    const found = owner === clientId ? await stores.relyingParties.lock(clientId) : undefined;
    if (found === undefined) throw bearerRefused();
    return found;
  };

  return {
    mode,

    /** Throws `Fault` (`invalid_token`), `InvalidInput`. The token is spent with the registration, or not at all. */
    register: (asked: Metadata, bearer: string | undefined, context: RequestContext) =>
      inTransaction(async (stores): Promise<Registered & { readonly managementToken: string }> => {
        let by: string = mode;
        if (mode === 'initial-access-token') {
          const token =
            bearer === undefined ? undefined : await stores.registrationTokens.spendInitial(hashToken(bearer));
          if (token === undefined) throw bearerRefused();
          by = token;
        }
        const clientId = newToken(16);
        const { wanted, confidential } = read(asked, clientId);
        await stores.relyingParties.put(wanted);
        const secret = confidential ? newToken() : null;
        if (secret !== null) await stores.relyingParties.addSecret(clientId, toStore(secret, wanted.metadata));
        const managementToken = newToken();
        await stores.registrationTokens.setOwn(clientId, hashToken(managementToken));
        await record(stores, 'created', wanted, context, by);
        return { ...(await shown(stores, clientId, secret)), managementToken };
      }),

    read: (clientId: string, bearer: string | undefined): Promise<Registered> =>
      inTransaction(async (stores) => {
        await owned(stores, clientId, bearer);
        return shown(stores, clientId, null);
      }),

    /** Replaces all that was registered: what is left out is taken away (RFC 7592 section 2.2). */
    update: (clientId: string, asked: Metadata, bearer: string | undefined, context: RequestContext) =>
      inTransaction(async (stores): Promise<Registered> => {
        await owned(stores, clientId, bearer);
        for (const name of saidByUs) {
          if (asked[name] !== undefined) throw new InvalidInput(name, `${name} is not a client's to say`);
        }
        if (asked['client_id'] !== clientId) throw new InvalidInput('client_id', 'this is another client_id');
        const hashes = await stores.relyingParties.listSecretHashes(clientId);
        const given = asked['client_secret'];
        if (given !== undefined) {
          const hash = hashToken(typeof given === 'string' ? given : '');
          if (!hashes.some((one) => equalInConstantTime(one, hash))) {
            throw new InvalidInput('client_secret', 'a client does not choose its secret');
          }
        }
        const { wanted, confidential } = read(asked, clientId);
        await stores.relyingParties.put(wanted);
        const usable = signsWithSecret(wanted.metadata)
          ? await stores.relyingParties.listKeptSecrets(clientId)
          : hashes;
        const secret = confidential && usable.length === 0 ? newToken() : null;
        if (secret !== null) await stores.relyingParties.addSecret(clientId, toStore(secret, wanted.metadata));
        await record(stores, 'changed', wanted, context);
        return shown(stores, clientId, secret);
      }),

    remove: (clientId: string, bearer: string | undefined, context: RequestContext): Promise<void> =>
      inTransaction(async (stores) => {
        const before = await owned(stores, clientId, bearer);
        await stores.relyingParties.remove(clientId);
        await stores.forgetClient(clientId, `client:${clientId}`, context);
        await record(stores, 'deleted', before, context);
      }),
  };
}

export type SelfRegistration = ReturnType<typeof createSelfRegistration>;

/** A token that lets its bearer register so many relying parties; the one time it is shown. */
export async function makeInitialAccessToken(
  inTransaction: InTransaction<Pick<SelfRegistrationStores, 'registrationTokens'>>,
  uses: number,
  lifetimeSeconds: number,
): Promise<{ readonly id: string; readonly token: string }> {
  const [id, token] = [newId(), newToken()];
  await inTransaction(({ registrationTokens }) =>
    registrationTokens.addInitial(id, hashToken(token), uses, lifetimeSeconds),
  );
  return { id, token };
}

/** What is ours to take of a stranger's metadata; what we do not know is ignored (RFC 7591 section 2). */
function selected(asked: Metadata, freeScopes: ReadonlySet<string>): Record<string, unknown> {
  const kept = Object.entries(asked).filter(
    ([name, value]) => isKnownField(name) && !operatorsOwn.has(name) && value !== null && value !== '',
  );
  const metadata = Object.fromEntries(kept);
  const { scope, grant_types: grants } = metadata;
  if (scope !== undefined && (typeof scope !== 'string' || scope.split(' ').some((name) => !freeScopes.has(name)))) {
    throw new InvalidInput('scope', 'only scopes of OpenID Connect can be registered without an operator');
  }
  if (grants !== undefined && (!Array.isArray(grants) || grants.some((grant) => !grantsForAnyone.has(String(grant))))) {
    throw new InvalidInput('grant_types', 'this grant is for operators to give');
  }
  return metadata;
}

async function shown(stores: SelfRegistrationStores, clientId: string, secret: string | null): Promise<Registered> {
  const relyingParty = await stores.relyingParties.read(clientId);
  if (relyingParty === undefined) throw bearerRefused();
  return { relyingParty, createdAt: relyingParty.createdAt, secret };
}

async function record(
  { audit }: SelfRegistrationStores,
  act: 'created' | 'changed' | 'deleted',
  { clientId, metadata }: RelyingParty,
  context: RequestContext,
  by?: string,
): Promise<void> {
  const client = `client:${clientId}`;
  const details = { client: clientId, fields: Object.keys(metadata).sort().join(' ') };
  const reason = by === undefined ? {} : { reason: by };
  await audit.record({
    type: `relying-party.${act}`,
    actor: client,
    target: client,
    result: 'success',
    ...reason,
    details,
    context,
  });
}
