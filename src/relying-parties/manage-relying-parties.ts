import { hashToken, newToken } from '../crypto/random.ts';
import type { AuditLog } from '../audit/audit-log.ts';
import type { AcrNames } from '../domain/authentication.ts';
import type { RequestContext } from '../domain/audit-event.ts';
import { InvalidInput } from '../errors.ts';
import type { InTransaction } from '../transaction.ts';
import { hasSecrets, signsWithSecret, toStore } from './client-secrets.ts';
import { differencesOf, type Difference } from './compare.ts';
import { checkCombinations } from './metadata-rules.ts';
import { tokenExchangeField, tokenExchangeGrant } from './token-exchange-policy.ts';
import { keepToFapiProfile } from './fapi-profile.ts';
import type { RelyingParty, RelyingPartyStore } from './relying-party-store.ts';

export interface RelyingPartyStores {
  readonly relyingParties: RelyingPartyStore;
  readonly audit: AuditLog;
}

/** A relying party as an operator writes it: names of RFC 7591, and ours. */
export type RelyingPartyRequest = Readonly<Record<string, unknown>>;

export interface AppliedRelyingParty {
  readonly clientId: string;
  readonly change: 'created' | 'changed' | 'unchanged';
  /** A secret that was made here; shown once. */
  readonly clientSecret: string | null;
}

/** One of these says whose certificate a client of `tls_client_auth` has (RFC 8705 section 2.1.2). */
export const certificateNames = [
  'tls_client_auth_subject_dn',
  'tls_client_auth_san_dns',
  'tls_client_auth_san_uri',
  'tls_client_auth_san_ip',
  'tls_client_auth_san_email',
] as const;

const texts = [
  'client_name',
  'client_uri',
  'logo_uri',
  'policy_uri',
  'tos_uri',
  'jwks_uri',
  'application_type',
  'backchannel_logout_uri',
  'backchannel_client_notification_endpoint',
];
const lists = [
  'redirect_uris',
  'post_logout_redirect_uris',
  'grant_types',
  'response_types',
  'contacts',
  'default_acr_values',
  'allowed_cors_origins',
  'authorization_details_types',
];
const others = [
  'token_endpoint_auth_method',
  'scope',
  'jwks',
  'id_token_signed_response_alg',
  'default_max_age',
  'require_auth_time',
  'token_endpoint_auth_signing_alg',
  'id_token_encrypted_response_alg',
  'id_token_encrypted_response_enc',
  'userinfo_signed_response_alg',
  'userinfo_encrypted_response_alg',
  'userinfo_encrypted_response_enc',
  'introspection_signed_response_alg',
  'authorization_signed_response_alg',
  'request_object_signing_alg',
  'require_signed_request_object',
  'subject_type',
  'sector_identifier_uri',
  'backchannel_token_delivery_mode',
  'backchannel_authentication_request_signing_alg',
  'tls_client_certificate_bound_access_tokens',
  ...certificateNames,
];
const ours = ['client_id', 'client_secret', 'require_pkce', 'first_party', 'acr_values'];
const known = new Set([
  ...texts,
  ...lists,
  ...others,
  ...ours,
  'twofold_fapi_profile',
  tokenExchangeField,
  'backchannel_logout_session_required',
  'dpop_bound_access_tokens',
  'require_pushed_authorization_requests',
]);
/** Whether a relying party has a field of this name. */
export function isKnownField(name: string): boolean {
  return known.has(name);
}

const grants = new Set([
  'authorization_code',
  'refresh_token',
  'client_credentials',
  'urn:ietf:params:oauth:grant-type:device_code',
  tokenExchangeGrant,
  'urn:openid:params:grant-type:ciba',
]);

export interface ComparedRelyingParty {
  readonly clientId: string;
  readonly change: AppliedRelyingParty['change'];
  readonly differences: readonly Difference[];
}

/** Creates and changes relying parties; what could not be safe is refused before it is stored. */
export function createManageRelyingParties(inTransaction: InTransaction<RelyingPartyStores>, names: AcrNames) {
  return {
    list: (): Promise<RelyingParty[]> => inTransaction(({ relyingParties }) => relyingParties.list()),

    /** What `apply` would do, without doing it. */
    compare: (request: RelyingPartyRequest): Promise<ComparedRelyingParty> => {
      const { wanted, givenSecret } = readRelyingParty(request, names);
      return inTransaction(async ({ relyingParties }) => {
        const before = await relyingParties.find(wanted.clientId);
        const secrets = before === undefined ? [] : await usableHashes(relyingParties, wanted);
        const secretSame = givenSecret === undefined || secrets.includes(hashToken(givenSecret));
        const differences = [
          ...differencesOf(before, wanted),
          ...(secretSame
            ? []
            : secrets.length > 0
              ? [{ field: 'client_secret', before: '(set)', after: '(another)' }]
              : [{ field: 'client_secret', before: '(none)', after: '(new)' }]),
        ];
        const change = before === undefined ? 'created' : differences.length > 0 ? 'changed' : 'unchanged';
        return { clientId: wanted.clientId, change, differences };
      });
    },

    /** Makes it so: creates what is not there, changes what differs, and leaves alone what is the same. */
    apply: (request: RelyingPartyRequest, actor: string, context: RequestContext): Promise<AppliedRelyingParty> => {
      const { wanted, givenSecret, confidential } = readRelyingParty(request, names);
      return inTransaction(async ({ relyingParties, audit }) => {
        const before = await relyingParties.find(wanted.clientId);
        const same = before !== undefined && differencesOf(before, wanted).length === 0;
        const secrets = before === undefined ? [] : await usableHashes(relyingParties, wanted);
        const secretSame = givenSecret === undefined || secrets.includes(hashToken(givenSecret));
        if (same && secretSame) return { clientId: wanted.clientId, change: 'unchanged', clientSecret: null };
        await relyingParties.put(wanted);
        const makes = confidential && givenSecret === undefined && secrets.length === 0;
        const secret = makes ? newToken() : givenSecret;
        if (secret !== undefined && !secrets.includes(hashToken(secret))) {
          await relyingParties.replaceSecrets(wanted.clientId, toStore(secret, wanted.metadata));
        }
        const change = before === undefined ? ('created' as const) : ('changed' as const);
        await audit.record({
          type: `relying-party.${change}`,
          actor,
          target: `client:${wanted.clientId}`,
          result: 'success',
          context,
        });
        return { clientId: wanted.clientId, change, clientSecret: makes ? (secret ?? null) : null };
      });
    },
  };
}

/** Hashes of the secrets of use to the client: of one that signs with them, those that are kept. */
async function usableHashes(store: RelyingPartyStore, { clientId, metadata }: RelyingParty): Promise<string[]> {
  if (!signsWithSecret(metadata)) return store.listSecretHashes(clientId);
  return (await store.listKeptSecrets(clientId)).map(hashToken);
}

/** Reads what an operator wrote. Throws `InvalidInput` that names the field, for what could not be safe. */
export function readRelyingParty(request: RelyingPartyRequest, names: AcrNames) {
  for (const name of Object.keys(request)) {
    if (!known.has(name)) throw new InvalidInput(name, `a relying party has no field '${name}'`);
  }
  const { client_id, client_secret, require_pkce, first_party, acr_values, ...given } = request;
  const metadata = keepToFapiProfile(given, require_pkce !== false);
  const clientId = client_id === undefined ? newToken(16) : client_id;
  if (typeof clientId !== 'string' || !/^[\x21-\x7e]{1,200}$/.test(clientId)) {
    throw new InvalidInput('client_id', 'a client_id is 1 to 200 visible ASCII characters');
  }
  // Our own surfaces bear such names, and whatever is true of them must be true of nobody else.
  if (/^twofold-/i.test(clientId)) {
    throw new InvalidInput('client_id', 'a client_id that begins with twofold- is the service’s own');
  }
  for (const name of lists) checkList(name, metadata[name]);
  checkAcrValues('acr_values', acr_values, names);
  checkAcrValues('default_acr_values', metadata['default_acr_values'], names);
  const method = metadata['token_endpoint_auth_method'] ?? 'client_secret_basic';
  const confidential = hasSecrets(metadata);
  const withoutSecret = ['none', 'private_key_jwt', 'tls_client_auth', 'self_signed_tls_client_auth'];
  if (!confidential && !withoutSecret.some((name) => name === method)) {
    throw new InvalidInput('token_endpoint_auth_method', 'there is no such method here');
  }
  if (client_secret !== undefined) {
    if (!confidential) throw new InvalidInput('client_secret', 'this client authenticates without a secret');
    if (typeof client_secret !== 'string' || client_secret.length < 32) {
      throw new InvalidInput('client_secret', 'a given secret must have 32 characters at least, made at random');
    }
  }
  if (require_pkce === false && method === 'none') {
    throw new InvalidInput('require_pkce', 'a public client cannot do without PKCE');
  }
  for (const grant of (metadata['grant_types'] as string[] | undefined) ?? []) {
    if (!grants.has(grant)) throw new InvalidInput('grant_types', `there is no grant '${grant}' here`);
  }
  for (const type of (metadata['response_types'] as string[] | undefined) ?? []) {
    if (type !== 'code') throw new InvalidInput('response_types', `only 'code' is answered, got '${type}'`);
  }
  for (const name of ['redirect_uris', 'post_logout_redirect_uris']) {
    for (const uri of (metadata[name] as string[] | undefined) ?? []) checkRedirect(name, uri, metadata);
  }
  checkCombinations(metadata);
  const logoutUri = metadata['backchannel_logout_uri'];
  if (typeof logoutUri === 'string') checkRedirect('backchannel_logout_uri', logoutUri, metadata);
  const wanted: RelyingParty = {
    clientId,
    metadata,
    firstParty: first_party === true,
    requirePkce: require_pkce !== false,
    acrValues: Array.isArray(acr_values) ? acr_values.map(String) : [],
  };
  return { wanted, confidential, givenSecret: client_secret };
}

function checkList(name: string, value: unknown): void {
  if (value === undefined) return;
  if (!Array.isArray(value) || value.some((item) => typeof item !== 'string')) {
    throw new InvalidInput(name, `${name} is a list of texts`);
  }
}

/** A mistyped name would be believed in by whoever wrote it, and met by nobody. */
function checkAcrValues(field: string, values: unknown, names: AcrNames): void {
  if (values === undefined) return;
  checkList(field, values);
  const unknown = (values as string[]).find((name) => names.meaningOf(name) === undefined);
  if (unknown !== undefined) {
    throw new InvalidInput(field, `the acr value '${unknown.slice(0, 100)}' is not known here`);
  }
}

/** An address to which no answer may be sent. */
export class UnsafeRedirect extends InvalidInput {
  readonly why: 'no-address' | 'not-https' | 'unsafe';
  readonly uri: string;

  constructor(field: string, uri: string, message: string, why: UnsafeRedirect['why'] = 'unsafe') {
    super(field, message);
    this.why = why;
    this.uri = uri;
  }
}

const neverSchemes = new Set(['javascript:', 'data:', 'vbscript:', 'file:', 'blob:', 'about:', 'ws:', 'wss:']);

/** Where answers may be sent: https, a loopback http address, or a native app's own scheme (RFC 8252 section 7). */
function checkRedirect(name: string, uri: string, metadata: Record<string, unknown>): void {
  const refuse = (message: string, why?: UnsafeRedirect['why']): never => {
    throw new UnsafeRedirect(name, uri, message, why);
  };
  if (!URL.canParse(uri) || /[\s\\]/.test(uri)) refuse(`this is no address: ${uri.slice(0, 100)}`, 'no-address');
  const { protocol, hostname, hash, username } = new URL(uri);
  if (hash !== '' || uri.includes('#')) refuse('a redirect address has no fragment');
  if (username !== '' || uri.includes('*')) refuse('a redirect address names one place exactly');
  if (neverSchemes.has(protocol)) refuse(`addresses with ${protocol} are refused`);
  if (protocol === 'https:') return;
  const loopback = ['localhost', '127.0.0.1', '[::1]'].includes(hostname);
  if (protocol === 'http:' && loopback) return;
  if (protocol !== 'http:' && metadata['application_type'] === 'native' && protocol.includes('.')) return;
  refuse(`use https, not ${protocol}//`, 'not-https');
}
