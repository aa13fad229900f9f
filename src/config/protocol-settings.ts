import { z } from 'zod';
import { flag, whole, type SettingDefinition } from './setting-definition.ts';

const resourceServers = z
  .string()
  .max(20_000)
  .transform((value, ctx) =>
    value
      .split(/[\s,]+/)
      .filter((item) => item !== '')
      .map((item) => {
        const at = item.lastIndexOf('=');
        const [audience, scopes] = [item.slice(0, at), item.slice(at + 1).split('+')];
        if (
          at < 1 ||
          !URL.canParse(audience) ||
          audience.includes('#') ||
          !scopes.every((scope) => /^[\w:./-]{1,100}$/.test(scope))
        ) {
          ctx.addIssue({
            code: 'custom',
            message: 'each must be audience=scope+scope, the audience an absolute address',
          });
        }
        return { audience, scopes };
      }),
  );

/** What the protocol's endpoints offer, and the keys they sign with. */
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
  resourceServers: {
    name: 'TWOFOLD_RESOURCE_SERVERS',
    path: 'protocol.resource_servers',
    schema: resourceServers,
    default: '',
    sentence:
      'Your own APIs that get signed access tokens (RFC 9068) of five minutes, as audience=scope+scope, separated by commas.',
  },
} as const satisfies Readonly<Record<string, SettingDefinition>>;
