import { z } from 'zod';
import { authorizationDetailsTypes } from './authorization-details.ts';
import { flag, list, whole, type SettingDefinition } from './setting-definition.ts';

const resourceServerOptions = z.strictObject({
  format: z.enum(['jwt', 'opaque']).default('jwt'),
  alg: z.enum(['ES256', 'EdDSA', 'RS256']).default('ES256'),
  ttl: whole(30, 300).default(300),
  client: z.string().max(200).optional(),
});

function readResourceServer(item: string) {
  const found = /^(.+?)=([\w:./+-]{1,1000})((?:;\w+=[^;=]+)*)$/.exec(item);
  const [, audience = '', scopes = '', given = ''] = found ?? [];
  const pairs = given
    .split(';')
    .filter((pair) => pair !== '')
    .map((pair) => pair.split('='));
  const options = resourceServerOptions.safeParse(Object.fromEntries(pairs));
  const names = scopes.split('+');
  if (!URL.canParse(audience) || audience.includes('#') || !options.success) return undefined;
  if (!names.every((scope) => /^[\w:./-]{1,100}$/.test(scope))) return undefined;
  return { audience, scopes: names, ...options.data };
}

const resourceServers = z
  .string()
  .max(20_000)
  .transform((value, ctx) =>
    value
      .split(/[\s,]+/)
      .filter((item) => item !== '')
      .map((item) => {
        const read = readResourceServer(item);
        if (read !== undefined) return read;
        const message =
          'each must be audience=scope+scope, the audience an absolute address, then ;format=jwt or opaque, ;alg=ES256, EdDSA or RS256, ;ttl=30 to 300 seconds, ;client=who may introspect';
        ctx.addIssue({ code: 'custom', message });
        return z.NEVER;
      }),
  );

/** What the protocol's endpoints offer, and the keys they sign with. */
const headerName = z
  .string()
  .regex(/^[a-z][a-z0-9-]{2,60}$/i, 'must be the name of a header')
  .transform((value) => value.toLowerCase());

export const protocolSettings = {
  signingKeyDays: {
    name: 'TWOFOLD_SIGNING_KEY_DAYS',
    path: 'signing_keys.days',
    schema: whole(1, 3650),
    default: '90',
    sentence: 'How many days a key signs before its successor is published.',
  },
  signingKeyAheadSeconds: {
    name: 'TWOFOLD_SIGNING_KEY_AHEAD_SECONDS',
    path: 'signing_keys.ahead_seconds',
    schema: whole(300, 2_592_000),
    default: '86400',
    sentence:
      'How long a new key is published before it signs; never shorter than the five minutes for which /jwks may be cached.',
  },
  signingKeyRetiredDays: {
    name: 'TWOFOLD_SIGNING_KEY_RETIRED_DAYS',
    path: 'signing_keys.retired_days',
    schema: whole(1, 365),
    default: '30',
    sentence: 'How many days a key that no longer signs goes on verifying what it signed.',
  },
  requireDpopNonce: {
    name: 'TWOFOLD_DPOP_NONCE',
    path: 'protocol.dpop_nonce',
    schema: flag,
    default: 'false',
    sentence: 'Whether every DPoP proof must carry a nonce of the service; nonces are offered in any case.',
  },
  registration: {
    name: 'TWOFOLD_REGISTRATION',
    path: 'protocol.registration',
    schema: z.enum(['off', 'initial-access-token', 'open']),
    default: 'off',
    sentence:
      'Whether clients may register themselves (RFC 7591): not at all, with a token that an operator made, or whoever comes.',
  },
  authorizationDetailsTypes: {
    name: 'TWOFOLD_AUTHORIZATION_DETAILS_TYPES',
    path: 'protocol.authorization_details_types',
    schema: authorizationDetailsTypes,
    default: '',
    sentence:
      'Types of rich authorization requests (RFC 9396), as JSON: each by its name with `title`, `resource` and `schema`; off without.',
  },
  clientSecretJwt: {
    name: 'TWOFOLD_CLIENT_SECRET_JWT',
    path: 'protocol.client_secret_jwt',
    schema: flag,
    default: 'false',
    sentence:
      'Whether clients may sign their assertions with a shared secret (`client_secret_jwt`), which the service then keeps, sealed; `private_key_jwt` needs no such secret.',
  },
  tokenExchange: {
    name: 'TWOFOLD_TOKEN_EXCHANGE',
    path: 'protocol.token_exchange',
    schema: flag,
    default: 'false',
    sentence:
      'Whether clients whose registration says what (`twofold_token_exchange`) may exchange a person’s token for one of their own to act for that person (RFC 8693).',
  },
  ciba: {
    name: 'TWOFOLD_CIBA',
    path: 'protocol.ciba',
    schema: flag,
    default: 'false',
    sentence:
      'Whether relying parties with that grant may ask a person who is elsewhere (CIBA, poll and ping); the person answers on the account page, with a code.',
  },
  metadataDocumentHosts: {
    name: 'TWOFOLD_CLIENT_METADATA_DOCUMENT_HOSTS',
    path: 'protocol.client_metadata_document_hosts',
    schema: list.refine(
      (hosts) => hosts.every((host) => host === '*' || /^[a-z0-9.-]+(?::\d{1,5})?$/i.test(host)),
      'each must be a host, or * for all',
    ),
    default: '',
    sentence:
      'Hosts whose clients need no registration: their client_id is the https address of a metadata document, which is read. * takes everybody’s; empty turns it off.',
  },
  clientCertificateHeader: {
    name: 'TWOFOLD_CLIENT_CERTIFICATE_HEADER',
    path: 'protocol.client_certificate_header',
    schema: headerName,
    sentence:
      'The header in which your proxy hands on a client’s TLS certificate, as URL-encoded PEM or by RFC 9440; turns on certificate-bound tokens and self_signed_tls_client_auth (RFC 8705). Believed of TRUSTED_PROXIES alone.',
  },
  clientCertificateVerifiedHeader: {
    name: 'TWOFOLD_CLIENT_CERTIFICATE_VERIFIED_HEADER',
    path: 'protocol.client_certificate_verified_header',
    schema: headerName,
    sentence:
      'The header that bears SUCCESS where your proxy verified the certificate against authorities you trust; turns on tls_client_auth.',
  },
  mtlsAddress: {
    name: 'TWOFOLD_MTLS_ADDRESS',
    path: 'protocol.mtls_address',
    schema: z.url({ protocol: /^https$/ }).refine((value) => !value.endsWith('/'), 'must not end with a slash'),
    sentence:
      'Where the proxy asks clients for a certificate, if that is another host than the issuer’s; told as mtls_endpoint_aliases.',
  },
  resourceServers: {
    name: 'TWOFOLD_RESOURCE_SERVERS',
    path: 'protocol.resource_servers',
    schema: resourceServers,
    default: '',
    sentence:
      'Your own APIs that get access tokens, as audience=scope+scope, separated by commas; each may go on with ;format=jwt or opaque (signed by RFC 9068 without), ;alg=ES256, EdDSA or RS256, ;ttl=seconds (300 at most), ;client=who may introspect its tokens.',
  },
} as const satisfies Readonly<Record<string, SettingDefinition>>;
