import { whole, type SettingDefinition } from './setting-definition.ts';

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
} as const satisfies Readonly<Record<string, SettingDefinition>>;
