import { consoleActs, consoleItemActs, type ConsoleFrame, type ConsoleUser } from '../../src/http/console-pages.ts';
import type { PageName } from '../../src/http/pages.ts';
import type { LocalsOf } from '../../src/http/views.ts';

interface ConsoleSample {
  readonly page: PageName;
  readonly state: string;
  readonly locals: LocalsOf<PageName>;
}

function sample<Name extends PageName>(page: Name, state: string, locals: LocalsOf<Name>): ConsoleSample {
  return { page, state, locals };
}

const at = (hoursAgo: number): Date => new Date(Date.parse('2026-03-14T15:09:26Z') - hoursAgo * 3_600_000);
const frame: ConsoleFrame = {
  csrf: 'sample',
  person: { name: 'Grace Hopper', username: 'grace' },
  sections: ['users', 'clients', 'keys', 'audit', 'report', 'health'],
};
const ada: ConsoleUser = {
  id: '5f0c2b6e-6a53-4d9b-9a3b-0e7c1f4f2f10',
  username: 'ada',
  name: 'Ada Lovelace',
  email: 'ada@meadow-books.example',
  status: 'active',
  roles: ['help-desk'],
  factor: 'enabled',
  factorRequired: true,
  recoveryCodesRemaining: 8,
  lastUsedAt: at(3),
  createdAt: at(900),
  authenticators: [{ id: 'a1', label: 'Phone', lastUsedAt: at(3) }],
};
const others: readonly ConsoleUser[] = [
  { ...ada, id: 'b', username: 'bob', name: '', roles: [], factor: 'closed', status: 'disabled' },
  { ...ada, id: 'c', username: 'c'.repeat(120), name: 'محمد', roles: [], factor: 'none', status: 'pending' },
];
const event = {
  id: '17',
  at: at(2),
  type: 'second-factor.reset',
  actor: { id: '5f0c2b6e-6a53-4d9b-9a3b-0e7c1f4f2f11', name: 'grace' },
  target: { id: ada.id, name: 'ada' },
  result: 'success' as const,
  reason: 'Lost the phone, identity checked by video call',
  requestId: '0d9f4b1e-4b47-4e8f-8f3a-3f1f5b2c9a77',
  address: '203.0.113.7',
};
const client = {
  id: 'meadow',
  name: 'Meadow Books',
  redirectUris: ['https://shop.meadow-books.example/callback'],
  confidential: true,
  secrets: [
    { id: 's1', createdAt: at(900), expiresAt: at(-100) },
    { id: 's2', createdAt: at(1), expiresAt: null },
  ],
};
const edited = {
  version: '3',
  name: client.name,
  redirectUris: client.redirectUris.join('\n'),
  signOutUris: 'https://shop.meadow-books.example/',
  scope: 'openid profile',
  alwaysTwoFactors: true,
  more: JSON.stringify({ grant_types: ['authorization_code', 'refresh_token'], require_pkce: true }, null, 2),
};
const open = { kind: 'open', until: null } as const;
const noFilter = { query: '', status: '', secondFactor: '' };

/** The console's pages, in the states that look different. */
export const consoleSamples: readonly ConsoleSample[] = [
  sample('console-users', 'full', {
    ...frame,
    filter: { query: 'a', status: 'active', secondFactor: 'enabled' },
    users: [ada, ...others],
    total: 3,
    moreHref: '/admin/users?cursor=x',
  }),
  sample('console-users', 'empty', { ...frame, filter: noFilter, users: [], total: 0, moreHref: null }),
  sample('console-user', 'full', {
    ...frame,
    user: ada,
    acts: [...consoleActs],
    itemActs: consoleItemActs,
    guard: {
      units: 104,
      cap: 150,
      passwordMustChange: true,
      lanes: { known: { kind: 'waits', until: at(-1) }, other: { kind: 'closed', until: null } },
    },
    grants: [
      {
        id: 'g1',
        client: { id: 'meadow', name: 'Meadow Books' },
        scopes: ['openid', 'offline_access'],
        createdAt: at(300),
      },
    ],
    sessions: [{ id: 's1', userAgent: 'Mozilla/5.0 Firefox/140.0', address: '203.0.113.7', lastSeenAt: at(1) }],
    help: [{ id: 'h1', message: 'My phone fell into the lake. Call me at extension 12.', createdAt: at(5) }],
    recent: [event, { ...event, id: '18', result: 'failure', reason: null, type: 'one-time-code.refused' }],
  }),
  sample('console-user', 'empty', {
    ...frame,
    sections: ['users'],
    user: { ...ada, authenticators: [], email: null, factor: 'none', roles: [] },
    acts: [],
    itemActs: [],
    guard: { units: 0, cap: 150, passwordMustChange: false, lanes: { known: open, other: open } },
    grants: [],
    sessions: [],
    help: [],
    recent: [],
  }),
  sample('console-act', 'full', { ...frame, act: 'reset', item: null, user: ada, reason: '', refused: null }),
  sample('console-act', 'error', {
    ...frame,
    act: 'disable',
    item: null,
    user: ada,
    reason: 'x',
    refused: 'last-operator',
  }),
  sample('console-act', 'item', {
    ...frame,
    act: 'remove-authenticator',
    item: { id: 'a1', name: 'Phone' },
    user: ada,
    reason: '',
    refused: 'last-authenticator',
  }),
  sample('console-once', 'full', {
    ...frame,
    what: 'link',
    name: 'Ada Lovelace',
    value: 'https://login.example/set-up/3QX2RHDWV8TK4M3QX2RHDWV8TK4M3QX2RHDWV8TK4M',
    backHref: '/admin/users/x',
  }),
  sample('console-once', 'secret', {
    ...frame,
    what: 'secret',
    name: 'Meadow Books',
    clientId: 'dkHFGKy2yAOrPnXkwwqm4A',
    value: '3QX2RHDWV8TK4M3QX2RHDWV8TK4M3QX2RHDWV8TK4M',
    backHref: '/admin/clients/meadow',
  }),
  sample('console-clients', 'full', { ...frame, clients: [client], moreHref: '/admin/clients?cursor=x' }),
  sample('console-new-client', 'empty', {
    ...frame,
    typed: { name: '', kind: 'server', redirectUris: '', alwaysTwoFactors: false },
  }),
  sample('console-new-client', 'error', {
    ...frame,
    typed: { name: 'Meadow', kind: 'native', redirectUris: 'http://meadow.example', alwaysTwoFactors: true },
    error: { code: 'redirect-not-https', field: 'redirect_uris', values: { address: 'http://meadow.example' } },
  }),
  sample('console-keys', 'full', {
    ...frame,
    keys: (['published', 'active', 'retired', 'revoked'] as const).map((state, index) => ({
      kid: `sIe3HlgViDCLLHE${index}`,
      algorithm: 'ES256',
      state,
      since: at(24 * (index + 1)),
    })),
    refused: false,
  }),
  sample('console-keys', 'error', { ...frame, keys: [], refused: true }),
  sample('console-edit-client', 'full', { ...frame, client, typed: edited }),
  sample('console-edit-client', 'error', {
    ...frame,
    client,
    typed: edited,
    error: { code: 'refused', field: 'more', words: "grant_types: there is no grant 'password' here" },
  }),
  sample('console-edit-client', 'late', { ...frame, client, typed: edited, error: { code: 'changed-meanwhile' } }),
  sample('console-delete-client', 'full', { ...frame, client }),
  sample('console-delete-client', 'error', { ...frame, client, error: { code: 'id-differs', field: 'client_id' } }),
  sample('console-test', 'full', {
    ...frame,
    client,
    result: {
      scopes: ['openid', 'profile'],
      claims: { sub: ada.id, name: 'Ada Lovelace', acr: 'urn:twofold:acr:2fa', amr: ['pwd', 'otp', 'mfa'] },
    },
    failed: null,
  }),
  sample('console-test', 'error', {
    ...frame,
    client,
    result: null,
    failed: 'access_denied: the person did not go on',
  }),
  sample('console-health', 'full', {
    ...frame,
    at: at(0),
    findings: [
      { check: 'database', state: 'ok', what: 'PostgreSQL 16.4 answers', advice: null },
      { check: 'redis', state: 'ok', what: 'Redis answers', advice: null },
    ],
  }),
  sample('console-health', 'error', {
    ...frame,
    at: at(0),
    findings: [
      { check: 'database', state: 'ok', what: 'PostgreSQL 16.4 answers', advice: null },
      { check: 'outbox', state: 'warning', what: 'mail waits since 12 minutes', advice: 'see the log for why' },
      { check: 'mail', state: 'failed', what: 'the mail server: ECONNREFUSED', advice: 'see TWOFOLD_SMTP_URL' },
    ],
  }),
  sample('console-client', 'full', { ...frame, client, refused: false }),
  sample('console-client', 'error', { ...frame, client, refused: true }),
  sample('console-audit', 'full', {
    ...frame,
    filter: { type: event.type, person: '', actor: 'client:shop', from: '2026-03-01', to: '', requestId: '' },
    types: [event.type, 'sign-in.completed'],
    events: [
      event,
      { ...event, id: '16', actor: { id: 'command-line', name: null }, requestId: null, reason: null },
      { ...event, id: '15', actor: { id: 'anonymous', name: null }, target: { id: event.actor.id, name: null } },
    ],
    exportHref: '/admin/audit/export?type=second-factor.reset',
    moreHref: '/admin/audit?cursor=x',
  }),
  sample('console-audit', 'empty', {
    ...frame,
    filter: { type: '', person: '', actor: '', from: '', to: '', requestId: 'none' },
    types: [event.type],
    events: [],
    exportHref: '/admin/audit/export?request_id=none',
    moreHref: null,
  }),
  sample('console-report', 'full', {
    ...frame,
    people: 1204,
    counts: { enabled: 1100, pending: 4, none: 98, closed: 2 },
    asked: { user: 'ada', clientId: 'meadow' },
    steps: [
      { step: 'password', reasons: ['nothing-proven'] },
      { step: 'one-time-code', reasons: ['has-factor', 'policy-requires-factor'] },
      { step: 'finish', reasons: ['two-factors-proven'] },
    ],
  }),
];
