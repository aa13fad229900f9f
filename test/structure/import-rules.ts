/**
 * Who may import whom: the table of docs/architecture.md, in code. A place is a folder or a file below `src/`; the
 * longest place that holds a file is the file's own. `may` names folders (ending in `/`) and files of ours; a place may
 * always import itself and the leaves. What is forbidden by the table and needed all the same is asked for as an
 * argument, by a small type of one's own, and wired in compose.ts.
 */
export interface Place {
  may: string[];
  /** Places from which types alone may come: the promises of interfaces, no behaviour. */
  mayTypes?: string[];
}

/** Files everyone may import: facts of every program, and the promises of stores that several features share. */
export const leaves = [
  'clock.ts',
  'logger.ts',
  'errors.ts',
  'transaction.ts',
  'attempt-store.ts',
  'short-lived-records.ts',
];

const features = ['users/', 'second-factor/', 'policies/', 'relying-parties/', 'audit/', 'notifications/'];
const rules = ['domain/', 'crypto/'];
/** Interfaces that use cases call in their own transaction, whatever the feature. */
const sharedPromises = ['audit/', 'notifications/outbox.ts'];
const surfaces = [...rules, ...features, 'provider/', 'http/'];
const everything = [''];

export const places: Record<string, Place> = {
  'domain/': { may: [] },
  'crypto/': { may: [] },
  // One rule reads a policy, whether it stands in a settings file or comes by an API.
  'config/': { may: ['domain/policy.ts', 'domain/policy-document.ts'] },
  'users/': { may: [...rules, ...sharedPromises] },
  'second-factor/': { may: [...rules, ...sharedPromises] },
  'policies/': { may: [...rules, ...sharedPromises] },
  'relying-parties/': { may: [...rules, ...sharedPromises] },
  'audit/': { may: [...rules, ...sharedPromises] },
  'notifications/': { may: [...rules, ...sharedPromises] },
  'provider/': { may: [...rules, ...features], mayTypes: ['config/'] },
  'http/': { may: [], mayTypes: ['config/'] },
  'interaction/': { may: surfaces, mayTypes: ['config/'] },
  'account/': { may: surfaces, mayTypes: ['config/'] },
  'admin/': { may: surfaces, mayTypes: ['config/'] },
  // Clients register themselves here; it is no part of the engine, whose registration writes before it is asked.
  'registration/': { may: surfaces, mayTypes: ['config/'] },
  'operations/': { may: [...rules, 'http/', ...features], mayTypes: ['config/'] },
  'storage/': { may: [] },
  'storage/postgres/': {
    may: [...rules],
    mayTypes: [...features, 'provider/', 'operations/', 'admin/idempotent-answers.ts', 'storage/'],
  },
  'storage/redis/': { may: [...rules], mayTypes: [...features, 'provider/', 'storage/'] },
  'storage/in-process/': { may: [...rules], mayTypes: [...features, 'provider/', 'storage/'] },
  'cli/': { may: everything },
  'cli.ts': { may: everything },
  'main.ts': { may: ['compose.ts', 'compose/', 'config/', 'operations/', 'cli/'] },
  'compose.ts': { may: everything },
  'compose/': { may: everything },
};

/** One door for each package: the places (below `src/` unless they begin with another folder) that may import it. */
export const doors: Record<string, string[]> = {
  kysely: ['src/storage/postgres/', 'src/compose/stores.ts', 'migrations/'],
  pg: ['src/storage/postgres/'],
  '@electric-sql/pglite': ['src/storage/postgres/'],
  ioredis: ['src/storage/redis/'],
  saxes: ['src/second-factor/xml-tree.ts'],
  otpauth: ['src/domain/totp.ts'],
  '@node-rs/argon2': ['src/crypto/password-hasher.ts'],
  bcrypt: ['src/crypto/'],
  jose: ['src/provider/'],
  'oidc-provider': ['src/provider/', 'src/interaction/', 'src/account/account-session.ts'],
  eta: ['src/http/views.ts'],
  koa: [
    'src/http/',
    'src/registration/',
    'src/interaction/',
    'src/account/',
    'src/admin/',
    'src/operations/',
    'src/provider/',
  ],
  '@koa/router': [
    'src/http/',
    'src/registration/',
    'src/interaction/',
    'src/account/',
    'src/admin/',
    'src/operations/',
  ],
  pino: ['src/logger.ts'],
  zod: ['src/config/', 'src/audit/', 'src/admin/', 'src/account/', 'src/relying-parties/', 'src/users/', 'src/cli/'],
  yaml: ['src/config/', 'src/cli/', 'src/cli.ts'],
  nodemailer: ['src/notifications/'],
  undici: ['src/notifications/'],
  'prom-client': ['src/operations/'],
  '@opentelemetry/api': ['src/operations/'],
  commander: ['src/cli.ts', 'src/cli/'],
  'zod-openapi': ['src/admin/api/openapi.ts'],
  uqr: ['src/second-factor/'],
  '@zxcvbn-ts/core': ['src/users/', 'src/crypto/'],
  '@zxcvbn-ts/language-common': ['src/users/', 'src/crypto/'],
};

/** The composition root (compose.ts and its parts) is imported by the programs and the tests' own composition alone. */
export const importersOfCompose = [
  'src/compose.ts',
  'src/compose/',
  'src/main.ts',
  'src/cli.ts',
  'src/cli/',
  'test/support/',
  'bench/',
];
