import { renderSVG } from 'uqr';
import type { LocalsOf } from '../../src/http/views.ts';
import type { AccountFrame } from '../../src/http/account-pages.ts';
import { consoleSamples } from './sample-console-pages.ts';
import { errorPageCodes, noticePageCodes, type PageName } from '../../src/http/pages.ts';

/** One state of one page. */
export interface Sample {
  readonly page: PageName;
  readonly state: string;
  readonly locals: LocalsOf<PageName>;
}

/** The moment at which the samples are looked at. */
export const sampleNow = new Date('2026-03-14T15:09:26Z');

const ago = (hours: number): Date => new Date(sampleNow.getTime() - hours * 3_600_000);
const csrf = 'sample';
const form = { action: '/sample', csrf };
const firefox = 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0';
const safari =
  'Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1';
const relyingParty = {
  name: 'Meadow Books',
  host: 'shop.meadow-books.example',
  policyUri: 'https://meadow-books.example/privacy',
  termsUri: 'https://meadow-books.example/terms',
};
const accountName = 'ada@meadow-books.example';
const step = { ...form, relyingParty, cancelAction: '/cancel' };
const otpauthUri =
  'otpauth://totp/Twofold:ada%40meadow-books.example?issuer=Twofold&secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP&algorithm=SHA1&digits=6&period=30';
const enrolment = {
  secret: 'JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP',
  otpauthUri,
  qrSvg: renderSVG(otpauthUri, { border: 4, ecc: 'M' }),
};
const codes = Array.from({ length: 10 }, (_, index) => `${'ABCDEFGHJK'[index]}K4M-QX2R-${20 + index}HD-WV8T-7N3P`);
const manyScopes = ['openid', 'profile', 'email', 'offline_access', 'books:read'].map((name, index) => ({
  name,
  isNew: index > 2,
}));

const frame: AccountFrame = {
  csrf,
  person: { name: 'Ada Lovelace', username: 'ada', email: accountName },
  deletionAllowed: true,
  trustedBrowsersAllowed: true,
};
const event = {
  address: '203.0.113.7',
  userAgent: firefox,
  mayBeDisputed: true,
  result: 'success' as 'success' | 'failure',
};
const events = [
  { ...event, id: 'e1', type: 'sign-in.completed', at: ago(0.2), relyingParty: 'Meadow Books' },
  { ...event, id: 'e2', type: 'one-time-code.refused', at: ago(3), result: 'failure' as const, userAgent: safari },
  { ...event, id: 'e3', type: 'password.refused', at: ago(3.1), result: 'failure' as const, address: '2001:db8::7' },
  { ...event, id: 'e4', type: 'enrolment.confirmed', at: ago(50) },
  { ...event, id: 'e5', type: 'user.created', at: ago(900), mayBeDisputed: false, userAgent: 'curl/8.5.0' },
];
const warning = {
  ...event,
  id: 'e6',
  type: 'challenge.spent',
  at: ago(20),
  result: 'failure' as const,
  userAgent: safari,
};
const authenticators = [
  { id: 'a1', label: 'My phone', createdAt: ago(900), lastUsedAt: ago(0.2) },
  { id: 'a2', label: 'Tablet in the kitchen', createdAt: ago(40), lastUsedAt: null },
];
const sessions = [
  {
    id: 's1',
    userAgent: firefox,
    address: '203.0.113.7',
    startedAt: ago(5),
    lastSeenAt: ago(0),
    isThis: true,
    applications: ['Meadow Books', 'Ledger'],
  },
  { id: 's2', userAgent: safari, address: '2001:db8::7', startedAt: ago(30), lastSeenAt: ago(20), isThis: false },
];
const hostileName = `<b>Twofold</b>\u202Eelpmaxe ${'x'.repeat(300)}`;

function sample<Name extends PageName>(page: Name, state: string, locals: LocalsOf<Name>): Sample {
  return { page, state, locals };
}

const signIn: readonly Sample[] = [
  sample('password', 'empty', { ...step, forgotPasswordHref: '/forgot', signUpHref: '/sign-up' }),
  sample('password', 'error', { ...step, login: 'ada', error: { code: 'wrong-password' }, forgotPasswordHref: '/f' }),
  sample('password', 'wait', {
    ...step,
    login: 'ada',
    error: { code: 'wait', values: { seconds: 240 } },
    retryAfterSeconds: 240,
  }),
  sample('password', 'again', { ...form, login: 'ada', reason: 'fresh-proof' }),
  sample('password', 'missing', { ...step, error: { code: 'required', field: 'login' } }),
  sample('one-time-code', 'empty', {
    ...step,
    accountName,
    authenticators: authenticators.slice(0, 1),
    recoveryCodeAction: '/r',
    startAgainAction: '/s',
  }),
  sample('one-time-code', 'full', {
    ...step,
    accountName,
    authenticators,
    trustBrowserDays: 30,
    recoveryCodeAction: '/r',
    askForHelpHref: '/help',
    startAgainAction: '/s',
  }),
  sample('one-time-code', 'error', {
    ...step,
    accountName,
    authenticators: [],
    error: { code: 'wrong-code', field: 'code' },
    recoveryCodeAction: '/r',
    purpose: 'step-up',
  }),
  sample('recovery-code', 'empty', { ...step, accountName, oneTimeCodeAction: '/o', startAgainAction: '/s' }),
  sample('recovery-code', 'error', {
    ...step,
    accountName,
    error: { code: 'wrong-recovery-code', field: 'code' },
    oneTimeCodeAction: '/o',
    askForHelpHref: '/help',
  }),
  sample('enrol', 'empty', { ...step, accountName, enrolment, purpose: 'first' }),
  sample('enrol', 'error', {
    ...step,
    accountName,
    enrolment,
    purpose: 'replacement',
    label: 'My phone',
    laterAction: '/later',
    requiredFrom: new Date('2026-05-01T00:00:00Z'),
    error: { code: 'wrong-enrolment-code', field: 'code', values: { triesLeft: 9 } },
  }),
  sample('recovery-codes', 'full', { ...form, relyingParty, accountName, codes, createdAt: sampleNow }),
  sample('recovery-codes', 'error', {
    ...form,
    relyingParty,
    accountName,
    codes,
    createdAt: sampleNow,
    error: { code: 'not-saved', field: 'saved' },
  }),
  sample('consent', 'empty', {
    ...form,
    relyingParty,
    accountName,
    scopes: [{ name: 'openid', isNew: true }],
    remembered: true,
  }),
  sample('consent', 'full', {
    ...form,
    relyingParty: { ...relyingParty, name: hostileName },
    accountName,
    scopes: manyScopes,
    resources: ['api.meadow-books.example'],
    details: [
      {
        title: { en: 'Make a payment', de: 'Eine Zahlung auslösen' },
        fields: [
          { name: 'amount.value', value: '123.50' },
          { name: 'amount.currency', value: 'EUR' },
          { name: 'creditor', value: '<b>Meadow</b> & Sons' },
        ],
      },
    ],
    remembered: false,
    unverified: true,
  }),
  sample('change-password', 'empty', { ...step, accountName, leastLength: 8, reason: 'guessed-codes' }),
  sample('change-password', 'error', {
    ...step,
    accountName,
    leastLength: 8,
    reason: 'operator',
    error: { code: 'password-common', field: 'new_password' },
  }),
  sample('already-done', 'full', { relyingParty, continueHref: '/next' }),
  sample('wait', 'full', {
    reason: 'codes',
    retryAfterSeconds: 300,
    retryHref: '/again',
    csrf,
    recoveryCodeAction: '/r',
  }),
  sample('wait', 'long', {
    reason: 'password',
    retryAfterSeconds: 7000,
    retryHref: '/again',
    csrf,
    knownBrowserLinkAction: '/k',
  }),
  sample('logout', 'full', { ...form, relyingParty, accountName, hidden: { xsrf: 'x' } }),
  sample('logout', 'empty', { ...form, stayHref: '/account' }),
  sample('logged-out', 'empty', {}),
  sample('logged-out', 'full', { relyingParty, continueHref: '/next' }),
  sample('device-code', 'empty', { ...form }),
  sample('device-code', 'error', {
    ...form,
    userCode: 'WDJB-MJHT',
    error: { code: 'device-code-unknown', field: 'user_code' },
  }),
  sample('device-confirm', 'full', {
    ...form,
    relyingParty,
    userCode: 'WDJB-MJHT',
    accountName,
    scopes: manyScopes,
    address: '203.0.113.7',
  }),
  sample('device-done', 'full', { result: 'allowed' }),
  sample('device-done', 'refused', { result: 'refused' }),
];

const links: readonly Sample[] = [
  sample('first-operator', 'empty', { ...form, leastLength: 8, enrolment }),
  sample('first-operator', 'error', {
    ...form,
    leastLength: 8,
    enrolment,
    username: 'ada',
    email: accountName,
    error: { code: 'password-too-short', field: 'password', values: { least: 8 } },
  }),
  sample('set-password', 'activation', { ...form, purpose: 'activation', accountName, leastLength: 8, enrolment }),
  sample('set-password', 'reset', { ...form, purpose: 'reset', accountName, leastLength: 8 }),
  sample('set-password', 'error', {
    ...form,
    purpose: 'reopen',
    accountName,
    leastLength: 8,
    asksCode: true,
    error: { code: 'wrong-proof', field: 'code' },
  }),
  sample('forgot-password', 'empty', { ...form, backHref: '/back' }),
  sample('sign-up', 'empty', { ...form, backHref: '/back' }),
  sample('mail-link-sent', 'full', { purpose: 'reset', validMinutes: 60, backHref: '/back' }),
  sample('mail-link-sent', 'grace', {
    purpose: 'first-enrolment',
    validMinutes: 15,
    laterAction: '/act',
    requiredFrom: ago(-600),
    csrf: 'x',
  }),
  sample('mail-link-sent', 'email', { purpose: 'confirm-email', validMinutes: 60, email: accountName }),
  sample('confirm-by-link', 'full', { ...form, purpose: 'first-enrolment' }),
  sample('confirm-by-link', 'email', { ...form, purpose: 'confirm-email', email: accountName }),
  sample('not-me', 'full', {
    ...form,
    event: { what: 'sign-in.completed', at: ago(3), address: '203.0.113.7' },
  }),
  sample('not-me', 'here', {
    ...form,
    event: { what: 'sign-in.completed', at: ago(3), address: '203.0.113.7' },
    staysHere: true,
    backHref: '/back',
  }),
  sample('ask-for-help', 'empty', { ...form, backHref: '/back' }),
  sample('what-we-see', 'full', { address: '203.0.113.7', browser: firefox, activityDays: 90 }),
  ...noticePageCodes.map((code) => sample('notice', code, { code, continueHref: '/account' })),
  ...errorPageCodes.map((code) =>
    sample('error', code, {
      code,
      reference: '1f6c2c57-9a39-4b0c-9d3e-2d7b1a0c8f11',
      next:
        code === 'sign-in-gone' || code === 'link-used'
          ? { path: '/account', does: 'to-account' }
          : code === 'form-expired'
            ? { path: '/interaction/x', does: 'continue' }
            : undefined,
      detail:
        code === 'request-refused'
          ? { error: 'invalid_request', description: "redirect_uri did not match any of the client's registered ones" }
          : undefined,
    }),
  ),
];

const account: readonly Sample[] = [
  sample('account', 'full', {
    ...frame,
    isOperator: true,
    secondFactor: { enabled: true, required: true, authenticators: 2, recoveryCodesRemaining: 9 },
    passwordChangedAt: ago(2000),
    emailVerified: true,
    sessions: 2,
    waitingRequests: 0,
    warnings: [],
    recent: events,
    notice: 'authenticator-added',
  }),
  sample('account', 'tasks', {
    ...frame,
    secondFactor: { enabled: true, required: true, authenticators: 1, recoveryCodesRemaining: 2 },
    emailVerified: false,
    sessions: 1,
    waitingRequests: 1,
    warnings: [warning],
    recent: events.slice(0, 2),
  }),
  sample('account', 'empty', {
    ...frame,
    person: { name: '', username: 'ada' },
    secondFactor: { enabled: false, required: false, authenticators: 0, recoveryCodesRemaining: 0 },
    emailVerified: false,
    sessions: 1,
    waitingRequests: 0,
    warnings: [],
    recent: [],
  }),
  sample('sign-in-request', 'full', {
    ...frame,
    request: {
      id: '5f0c2b6e-6a53-4d9b-9a3b-0e7c1f4f2f10',
      client: 'Meadow Bank',
      message: 'W4SCT',
      scopes: ['openid', 'profile'],
      createdAt: ago(0.01),
    },
    others: 1,
  }),
  sample('sign-in-request', 'error', {
    ...frame,
    error: { code: 'wrong-proof', field: 'code' },
    request: {
      id: '5f0c2b6e-6a53-4d9b-9a3b-0e7c1f4f2f10',
      client: hostileName,
      message: '',
      scopes: ['openid'],
      createdAt: ago(0.01),
    },
    others: 0,
  }),
  sample('sign-in-request', 'empty', { ...frame, request: null, others: 0 }),
  sample('authenticators', 'full', { ...frame, authenticators, most: 5, lastMayGo: false }),
  sample('authenticators', 'one', {
    ...frame,
    authenticators: authenticators.slice(0, 1),
    pending: { label: 'Tablet', expiresAt: ago(-1) },
    most: 5,
    lastMayGo: false,
  }),
  sample('authenticators', 'empty', { ...frame, authenticators: [], most: 5, lastMayGo: true }),
  sample('authenticators', 'error', {
    ...frame,
    authenticators: [...authenticators, ...authenticators.map(({ id, ...one }) => ({ ...one, id: `${id}b` }))],
    most: 4,
    lastMayGo: true,
    error: { code: 'too-many-authenticators', values: { most: 4 } },
  }),
  sample('add-authenticator', 'empty', { ...frame, enrolment, isFirst: false }),
  sample('add-authenticator', 'error', {
    ...frame,
    enrolment,
    isFirst: true,
    label: 'My phone',
    error: { code: 'enrolment-void' },
  }),
  sample('confirm-change', 'full', { ...frame, action: '/account/profile', hidden: { name: 'Ada' } }),
  sample('confirm-change', 'error', {
    ...frame,
    action: '/account/profile',
    hidden: { name: 'Ada' },
    error: { code: 'wrong-proof', field: 'code' },
  }),
  sample('remove-authenticator', 'full', {
    ...frame,
    authenticator: authenticators[0] ?? { id: '', label: '' },
    isLast: false,
  }),
  sample('remove-authenticator', 'error', {
    ...frame,
    authenticator: { id: 'a2', label: '' },
    isLast: true,
    error: { code: 'wrong-proof', field: 'code' },
  }),
  sample('account-recovery-codes', 'full', { ...frame, remaining: 8, total: 10, enabled: true, createdAt: ago(900) }),
  sample('account-recovery-codes', 'few', { ...frame, remaining: 1, total: 10, enabled: true }),
  sample('account-recovery-codes', 'empty', { ...frame, remaining: 0, total: 10, enabled: false }),
  sample('new-recovery-codes', 'full', { ...frame, codes, createdAt: sampleNow }),
  sample('account-password', 'full', {
    ...frame,
    changedAt: ago(2000),
    leastLength: 8,
    proof: { password: true, code: true },
  }),
  sample('account-password', 'error', {
    ...frame,
    leastLength: 8,
    proof: { password: true },
    error: { code: 'wrong-current-password', field: 'current_password' },
  }),
  sample('sessions', 'full', { ...frame, sessions, notice: 'session-ended' }),
  sample('sessions', 'empty', { ...frame, sessions: sessions.slice(0, 1) }),
  sample('applications', 'full', {
    ...frame,
    applications: [
      { id: 'meadow', name: 'Meadow Books', host: relyingParty.host, scopes: ['openid', 'email'], lastUsedAt: ago(5) },
      { id: 'ledger', name: 'Ledger', scopes: [], allowedAt: ago(90) },
    ],
  }),
  sample('applications', 'empty', { ...frame, applications: [] }),
  sample('trusted-browsers', 'full', {
    ...frame,
    browsers: [
      { id: 't1', userAgent: firefox, address: '203.0.113.7', trustedAt: ago(90), expiresAt: ago(-600), isThis: true },
    ],
  }),
  sample('trusted-browsers', 'empty', { ...frame, browsers: [] }),
  sample('activity', 'full', { ...frame, events, days: 90, nextCursor: 'next' }),
  sample('activity', 'empty', { ...frame, events: [], days: 90 }),
  sample('profile', 'full', {
    ...frame,
    profile: {
      name: 'Ada Lovelace',
      givenName: 'Ada',
      familyName: 'Lovelace',
      locale: 'en',
      zoneinfo: 'Europe/London',
    },
    email: { address: accountName, verified: true, waiting: 'ada@lovelace.example' },
    emailProof: { password: true, code: true },
  }),
  sample('profile', 'empty', {
    ...frame,
    profile: {},
    email: { address: null, verified: false },
    emailProof: { password: true },
    error: { code: 'email-invalid', field: 'email' },
  }),
  sample('export', 'full', { ...frame, proof: { code: true } }),
  sample('delete', 'full', { ...frame, proof: { password: true, code: true } }),
  sample('delete', 'error', { ...frame, proof: { code: true }, error: { code: 'name-differs', field: 'username' } }),
];

/** Every page, in the states that look different. */
export const samples: readonly Sample[] = [...signIn, ...links, ...account, ...consoleSamples];
