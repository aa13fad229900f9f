import assert from 'node:assert/strict';
import type { Proof } from '../../src/domain/proof.ts';
import type { TestPerson, TestService } from './service.ts';
import { testContext } from './stores.ts';
import { UserAgent, type StepAnswer } from './user-agent.ts';

let browsers = 0;

/** A browser at an address of its own, whose requests go to one replica after the other. */
export function newBrowserOf(service: TestService, address?: string): UserAgent {
  browsers += 1;
  // Budgets are shared within a /24: each browser has a network of its own.
  const own = address ?? `45.${Math.floor(browsers / 256)}.${browsers % 256}.9`;
  return new UserAgent(service.issuer, { 'x-forwarded-for': own }, service.addresses);
}

export interface HalfwayOptions {
  readonly agent?: UserAgent;
  /** Of the authorization request. */
  readonly parameters?: Record<string, string>;
}

/** A browser in which the right password was given: the code page stands there, and nothing else was proven. */
export async function halfway(
  service: TestService,
  person: TestPerson,
  { agent = newBrowserOf(service), parameters = {} }: HalfwayOptions = {},
): Promise<{ readonly agent: UserAgent; readonly step: StepAnswer; readonly verifier: string }> {
  await service.forgetPasswordBudget(person);
  const first = await agent.begin(parameters);
  const step = await agent.submitPassword(first, person);
  assert.ok(['one-time-code', 'recovery-code', 'enrol'].includes(step.page), `${step.page} ${step.error?.code ?? ''}`);
  return { agent, step, verifier: first.verifier };
}

/** Nothing was issued and nobody is signed in by these cookies: by redirects, by `prompt=none`, at the account page. */
export async function assertNothingIssued(service: TestService, agent: UserAgent, person: TestPerson): Promise<void> {
  const silent = await agent.copy().begin({ prompt: 'none' });
  assert.match(silent.location ?? '', /[?&]error=(login|interaction)_required/);
  assert.doesNotMatch(silent.location ?? '', /[?&]code=/);
  const account = await agent.copy().get('/account');
  assert.equal(account.status, 303);
  assert.match(account.headers.get('location') ?? '', /^\/auth\?/);
  assert.deepEqual(await issuedTo(service, person), { sessions: 0, grants: 0 });
}

/** Live sessions and grants of a person. */
export async function issuedTo(
  service: TestService,
  { id }: TestPerson,
): Promise<{ readonly sessions: number; readonly grants: number }> {
  const db = service.composed.services.database.kysely;
  const sessions = await db
    .selectFrom('sessions')
    .select('uid')
    .where('user_id', '=', id)
    .where('ended_at', 'is', null)
    .execute();
  const grants = await db.selectFrom('grants').select('id').where('user_id', '=', id).execute();
  return { sessions: sessions.length, grants: grants.length };
}

export const guardOf = (service: TestService, { id }: TestPerson) =>
  service.composed.services.inTransaction(({ guards }) => guards.readGuard(id));

/** Waits are over, as after an hour; with `day` a new day has begun as well. Totals and rows of failures stay. */
export async function letTimePass(service: TestService, { id }: TestPerson, { day = false } = {}): Promise<void> {
  await service.composed.services.database.kysely
    .updateTable('guards')
    .set({
      known_next_try_at: null,
      other_next_try_at: null,
      ...(day
        ? { known_day_started_at: null, known_day_units: 0, other_day_started_at: null, other_day_units: 0 }
        : {}),
    })
    .where('user_id', '=', id)
    .execute();
  for (const lane of ['known', 'other']) await service.composed.services.attempts.clear(`code-person:${id}:${lane}`);
}

/** Codes that are none of the person's, within the reach of the clock message either. */
export function wrongCodes(person: TestPerson, count: number): string[] {
  const right = new Set(Array.from({ length: 61 }, (_, n) => person.code(n - 30)));
  const wrong: string[] = [];
  // No round number: those stand in metrics as well, where a test looks for the code that was tried.
  for (let n = 173_519; wrong.length < count; n += 7) if (!right.has(String(n))) wrong.push(String(n));
  return wrong;
}

/** What somebody who signed in just now has proven. */
export async function provenNow(service: TestService, { id }: Pick<TestPerson, 'id'>): Promise<Proof> {
  const { securityStamp } = await service.composed.services.manageUsers.find(id);
  return { securityStamp };
}

/** Gives the person another password, as a mailed link does. */
export async function setAnotherPassword({ composed }: TestService, { id }: Pick<TestPerson, 'id'>): Promise<void> {
  const outcome = await composed.services.setPassword({
    userId: id,
    provenBy: undefined,
    names: [],
    password: 'an entirely different passphrase',
    secondFactorProven: true,
    type: 'password.reset',
    context: testContext,
  });
  assert.equal(outcome.kind, 'set');
}

/** A new set of recovery codes of the person. */
export async function recoveryCodesOf(service: TestService, person: TestPerson): Promise<readonly string[]> {
  const { changeSecondFactor } = service.composed.services;
  return changeSecondFactor.replaceRecoveryCodes(person.id, await provenNow(service, person), testContext);
}

/** The page of the other factor, from the page of the one. */
export const otherFactor = (agent: UserAgent, step: StepAnswer): Promise<StepAnswer> =>
  agent.submit(
    step,
    {},
    step.page === 'recovery-code'
      ? step.action.replace(/recovery-code$/, 'use-one-time-code')
      : step.action.replace(/one-time-code$/, 'use-recovery-code'),
  );
