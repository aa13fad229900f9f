import { z } from 'zod';
import type { PolicyKey, PolicyRule } from '../domain/policy.ts';
import type { PartyBranding } from './branding-section.ts';
import { brandingSettings } from './branding-settings.ts';
import { mailSettings } from './mail-settings.ts';
import { operationSettings } from './operation-settings.ts';
import { protocolSettings } from './protocol-settings.ts';
import { flag, list, text, whole, type SettingDefinition } from './setting-definition.ts';
import { storageSettings } from './storage-settings.ts';

export type { SettingDefinition };

const encryptionKeys = list
  .refine((items) => items.length > 0, 'must hold one key at least')
  .transform((items, ctx) =>
    items.map((item) => {
      const [id = '', encoded = ''] = item.split(':');
      const key = Buffer.from(encoded, 'base64');
      if (!/^[A-Za-z0-9_-]{1,32}$/.test(id) || key.length !== 32) {
        ctx.addIssue({ code: 'custom', message: 'each key must be id:base64, the base64 of 32 random bytes' });
      }
      return { id, key };
    }),
  )
  .refine((keys) => new Set(keys.map(({ id }) => id)).size === keys.length, 'the same key id stands there twice')
  .refine(
    (keys) => new Set(keys.map(({ key }) => key.toString('hex'))).size === keys.length,
    'the same key stands there under two ids',
  );

const issuer = z.string().refine((value) => {
  const url = URL.canParse(value) ? new URL(value) : undefined;
  if (url === undefined || url.search !== '' || url.hash !== '' || value.endsWith('/')) return false;
  return url.protocol === 'https:' || (url.protocol === 'http:' && isLoopback(url.hostname));
}, 'must be an https address without query and trailing slash (http only for a loopback host)');

function isLoopback(hostname: string): boolean {
  return (
    hostname === 'localhost' || hostname.endsWith('.localhost') || hostname === '127.0.0.1' || hostname === '[::1]'
  );
}

function settings<const Table extends Record<string, SettingDefinition>>(table: Table): Table {
  return table;
}

const acrAliases = list.transform((items, ctx) => {
  const entries = items.map((item): readonly [string, string] => {
    const at = item.lastIndexOf('=');
    const [alias, level] = [item.slice(0, at), item.slice(at + 1)];
    if (at < 1 || !/^[\x21-\x7e]{1,255}$/.test(alias) || (level !== '1fa' && level !== '2fa')) {
      ctx.addIssue({ code: 'custom', message: 'each alias must be name=1fa or name=2fa' });
    }
    if (alias.startsWith('urn:twofold:') || alias.startsWith('https://refeds.org/profile/')) {
      ctx.addIssue({ code: 'custom', message: 'a built-in name cannot mean something else' });
    }
    return [alias, `urn:twofold:acr:${level}`];
  });
  return Object.fromEntries(entries);
});

/** Every setting there is. */
export const settingsTable = settings({
  port: {
    name: 'PORT',
    path: 'http.port',
    schema: whole(0, 65_535),
    default: '3000',
    sentence: 'The port the service listens on.',
  },
  host: {
    name: 'TWOFOLD_HOST',
    path: 'http.host',
    schema: text,
    default: '127.0.0.1',
    sentence: 'The address the service listens on; 0.0.0.0 in a container.',
  },
  issuer: {
    name: 'ISSUER',
    path: 'http.issuer',
    schema: issuer,
    default: 'http://localhost:3000',
    defaultWords: '`http://localhost:` and `PORT`',
    defaultOf: ({ port }) => (typeof port === 'number' ? `http://localhost:${port}` : undefined),
    production: true,
    sentence: 'The address people and relying parties use; everything the service says of itself is built from it.',
  },
  trustedProxies: {
    name: 'TRUSTED_PROXIES',
    path: 'http.trusted_proxies',
    schema: list,
    default: '',
    sentence: 'Addresses or networks (CIDR) of proxies whose X-Forwarded-For is believed.',
  },
  ...operationSettings,
  outboundAllowed: {
    name: 'TWOFOLD_OUTBOUND_ALLOWED',
    path: 'http.outbound_allowed',
    schema: list,
    default: '',
    sentence:
      'Hosts and networks (CIDR) of internal relying parties and webhooks that may be reached though they are not public.',
  },
  ...storageSettings,
  encryptionKeys: {
    name: 'ENCRYPTION_KEYS',
    path: 'keys.encryption',
    schema: encryptionKeys,
    secret: true,
    production: true,
    sentence: 'Keys for secrets at rest as id:base64 of 32 bytes, separated by commas; the first one seals.',
  },
  cookieKeys: {
    name: 'COOKIE_KEYS',
    path: 'keys.cookies',
    schema: list.refine(
      (keys) => keys.length > 0 && keys.every((key) => key.length >= 32),
      'each key must have 32 characters at least',
    ),
    secret: true,
    production: true,
    sentence: 'Keys that sign cookies and forms, separated by commas; the first one signs, all are accepted.',
  },
  hashMemoryKibibytes: {
    name: 'TWOFOLD_HASH_MEMORY_KIB',
    path: 'passwords.hash_memory_kib',
    schema: whole(8192, 262_144),
    default: '19456',
    sentence: 'Memory of one Argon2id hash.',
  },
  hashIterations: {
    name: 'TWOFOLD_HASH_ITERATIONS',
    path: 'passwords.hash_iterations',
    schema: whole(1, 10),
    default: '2',
    sentence: 'Passes of one Argon2id hash.',
  },
  hashQueue: {
    name: 'TWOFOLD_HASH_QUEUE',
    path: 'passwords.hash_queue',
    schema: whole(1, 10_000),
    default: '100',
    sentence: 'Passwords that may wait to be checked; beyond it the answer is 503.',
  },
  secondFactorRequired: {
    name: 'TWOFOLD_SECOND_FACTOR',
    path: 'second_factor.policy',
    schema: z.enum(['required', 'optional']),
    default: 'required',
    sentence: 'Whether everyone must have a second factor; who has one is always asked for it.',
  },
  acrAliases: {
    name: 'TWOFOLD_ACR_ALIASES',
    path: 'second_factor.acr_aliases',
    schema: acrAliases,
    default: '',
    sentence:
      'More names for acr values as name=1fa or name=2fa, separated by commas; the REFEDS profiles are built in.',
  },
  windowSteps: {
    name: 'TWOFOLD_CODE_WINDOW',
    path: 'second_factor.window',
    schema: whole(0, 2),
    default: '1',
    sentence: 'Time steps before and after the present one whose codes are accepted.',
  },
  pendingEnrolmentMinutes: {
    name: 'TWOFOLD_PENDING_ENROLMENT_MINUTES',
    path: 'second_factor.pending_enrolment_minutes',
    schema: whole(2, 15),
    default: '10',
    sentence: 'How long a shown QR code can be confirmed.',
  },
  accountDeletion: {
    name: 'TWOFOLD_ACCOUNT_DELETION',
    path: 'account.deletion',
    schema: flag,
    default: 'false',
    sentence: 'Whether people may delete their own account on the account page.',
  },
  sessionsPerPerson: {
    name: 'TWOFOLD_SESSIONS_PER_PERSON',
    path: 'sessions.per_person',
    schema: whole(1, 100),
    default: '20',
    sentence: 'Browsers a person may be signed in with at once; one more ends the session that was idle longest.',
  },
  sessionIdleSeconds: {
    name: 'TWOFOLD_SESSION_IDLE_SECONDS',
    path: 'sessions.idle_seconds',
    schema: whole(60, 86_400),
    default: '3600',
    sentence: 'A session that nothing used for so long is over.',
  },
  sessionLifetimeSeconds: {
    name: 'TWOFOLD_SESSION_LIFETIME_SECONDS',
    path: 'sessions.lifetime_seconds',
    schema: whole(300, 604_800),
    default: '86400',
    sentence: 'A session is over so long after its sign-in, however much it is used.',
  },
  ...protocolSettings,
  ...mailSettings,
  adminFreshSeconds: {
    name: 'TWOFOLD_ADMIN_FRESH_SECONDS',
    path: 'operators.fresh_seconds',
    schema: whole(60, 3600),
    default: '600',
    sentence: 'How old the sign-in of an operator may be for a change, at the admin API and the console.',
  },
  importFernetKeysFile: {
    name: 'TWOFOLD_IMPORT_FERNET_KEYS_FILE',
    path: 'operators.import_fernet_keys_file',
    schema: text,
    sentence: 'A file with the Fernet keys of another system, one a line, for an import of its secrets.',
  },
  adminCallsPerMinute: {
    name: 'TWOFOLD_ADMIN_CALLS_PER_MINUTE',
    path: 'operators.calls_per_minute',
    schema: whole(10, 100_000),
    default: '1200',
    sentence: 'Calls of the admin API that one person or service may make in a minute.',
  },
  ...brandingSettings,
  logLevel: {
    name: 'LOG_LEVEL',
    path: 'logging.level',
    schema: z.enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent']),
    default: 'info',
    sentence: 'What is logged: this level and those above it.',
  },
  samplePort: {
    name: 'TWOFOLD_SAMPLE_PORT',
    path: 'development.sample_port',
    schema: whole(0, 65_535),
    default: '3001',
    sentence: 'The port of the sample relying party that `npm start` runs beside the embedded default; 0 turns it off.',
  },
});

type Table = typeof settingsTable;
type ValueOf<Definition extends SettingDefinition> = z.output<Definition['schema']>;

/** The settings as the service reads them. Those without a default may be undefined. */
export type Settings = {
  readonly [Key in keyof Table]: Table[Key] extends { default: string }
    ? ValueOf<Table[Key]>
    : ValueOf<Table[Key]> | undefined;
} & {
  readonly production: boolean;
  readonly policies: ReadonlyMap<PolicyKey, PolicyRule>;
  readonly partyBranding: ReadonlyMap<string, PartyBranding>;
};
