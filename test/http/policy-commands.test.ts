import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { commands } from '../../src/cli/commands.ts';
import type { CommandOptions } from '../../src/cli/command.ts';
import { Fault } from '../../src/errors.ts';
import { addParty } from '../support/policy-parties.ts';
import { runCommand } from '../support/run-command.ts';
import { startService, type TestService } from '../support/service.ts';
import { testContext } from '../support/stores.ts';

interface Simulated {
  readonly steps: { step: string; reasons: { code: string; policy?: string }[]; [name: string]: unknown }[];
  readonly acr: string;
  readonly amr: string[];
  readonly error: string | null;
}

describe('policies on the command line', () => {
  let service: TestService;
  before(async () => {
    service = await startService('embedded');
    await addParty(service, 'wiki');
  });
  after(() => service.close());

  async function run<Value>(name: string, options: CommandOptions = {}): Promise<Value[]> {
    const lines: string[] = [];
    const io = { lines: (async function* () {})(), out: (line: string) => lines.push(line), progress: () => {} };
    await commands[name]?.(service.composed.services, { ...options, json: true }, io);
    return lines.map((line) => JSON.parse(line) as Value);
  }

  async function simulate(options: CommandOptions): Promise<Simulated> {
    const [answer] = await run<Simulated>('policy simulate', { client: 'wiki', ...options });
    assert.ok(answer);
    return answer;
  }

  test('a policy is set, listed, changed and deleted, and the record says from what to what', async () => {
    const [made] = await run<Record<string, unknown>>('policy set', {
      key: 'client:wiki',
      secondFactor: 'required',
      graceDays: '7',
      trustedBrowserDays: '14',
      acrValues: 'urn:twofold:acr:1fa',
    });
    assert.deepEqual([made?.['grace_days'], made?.['trusted_browser_days'], made?.['version']], [7, 14, 1]);
    const listed = await run<{ key: string }>('policy list');
    assert.deepEqual(
      listed.map(({ key }) => key),
      ['client:wiki'],
    );
    await run('policy delete', { key: 'client:wiki' });
    assert.deepEqual(await run('policy list'), []);
    await assert.rejects(run('policy delete', { key: 'client:wiki' }), { code: 'not_found' });
    const events = await service.composed.services.database.kysely
      .selectFrom('audit_events')
      .selectAll()
      .where('type', '=', 'policy.changed')
      .orderBy('id')
      .execute();
    assert.equal(events.length, 2);
    assert.match(JSON.stringify(events[0]), /grace_days/);
  });

  test('a policy that only asks for acr values is not listed as if it made the second factor optional', async () => {
    const list = () => runCommand(service.composed.services, 'policy list');
    await run('policy set', { key: 'client:wiki', acrValues: 'urn:twofold:acr:2fa' });
    assert.deepEqual(await list(), [`${'client:wiki'.padEnd(30)} acr urn:twofold:acr:2fa, (operator)`]);
    await run('policy set', { key: 'client:wiki', secondFactor: 'optional' });
    assert.deepEqual(await list(), [`${'client:wiki'.padEnd(30)} optional, (operator)`]);
    await run('policy delete', { key: 'client:wiki' });
  });

  test('what could not hold is refused before it is stored', async () => {
    for (const [options, code] of [
      [{ key: 'group:x', secondFactor: 'required' }, 'invalid_input'],
      [{ key: 'client:wiki', secondFactor: 'never' }, 'invalid_input'],
      [{ key: 'client:wiki', graceDays: 'x' }, 'invalid_input'],
      [{ key: 'client:wiki', acrValues: 'urn:unknown' }, 'invalid_input'],
      [{ key: 'client:nobody', secondFactor: 'required' }, 'not_found'],
      [{ key: 'user:00000000-0000-4000-8000-000000000000', secondFactor: 'required' }, 'not_found'],
    ] as const) {
      await assert.rejects(run('policy set', options), (error) => error instanceof Fault && error.code === code);
    }
    const { managePolicies } = service.composed.services;
    const put = (version?: number) =>
      managePolicies.put('role:auditor', { second_factor: 'required' }, 'x', testContext, version);
    const { version } = await put();
    await put(version);
    await assert.rejects(put(version), { code: 'version_changed' });
    await managePolicies.remove('role:auditor', 'x', testContext);
  });

  test('the settings file is made so at each start, but for what an operator wrote or deleted', async () => {
    const { managePolicies } = service.composed.services;
    const rule = { secondFactor: 'required', graceDays: 5, acrValues: [], trustedBrowserDays: null } as const;
    const keys = async () => (await managePolicies.list()).map(({ key, grace_days: days }) => `${key} ${days}`);
    await managePolicies.seed(
      new Map([
        ['role:operator', rule],
        ['role:help-desk', rule],
      ]),
    );
    assert.deepEqual(await keys(), ['role:help-desk 5', 'role:operator 5']);
    await managePolicies.put('role:operator', { second_factor: 'required' }, 'x', testContext);
    await managePolicies.remove('role:help-desk', 'x', testContext);
    await managePolicies.seed(
      new Map([
        ['role:operator', rule],
        ['role:help-desk', rule],
        ['client:app', rule],
      ]),
    );
    assert.deepEqual(await keys(), ['client:app 5', 'role:operator 0']);
    await managePolicies.seed(new Map());
    assert.deepEqual(await keys(), ['role:operator 0']);
    await managePolicies.remove('role:operator', 'x', testContext);
  });

  test('simulate walks through a sign-in, says why, and changes nothing', async () => {
    const [enrolled, bare] = [await service.addPerson(), await service.addPerson({ withoutFactor: true })];
    const steps = ({ steps: all }: Simulated) => all.map(({ step }) => step);
    const usual = await simulate({ user: enrolled.username });
    assert.deepEqual(steps(usual), ['password', 'one-time-code', 'finish']);
    assert.deepEqual([usual.acr, usual.amr], ['urn:twofold:acr:2fa', ['pwd', 'otp', 'mfa']]);
    const forced = await simulate({ user: bare.id });
    assert.deepEqual(steps(forced), ['password', 'enrol', 'finish']);
    assert.deepEqual(forced.steps[1]?.reasons[0], {
      code: 'policy-requires-factor',
      text: 'A policy requires a second factor.',
      policy: 'default',
    });

    await run('policy set', { key: 'client:wiki', trustedBrowserDays: '30' });
    const trusted = await simulate({ user: enrolled.username, browserTrusted: true });
    assert.deepEqual(steps(trusted), ['password', 'finish']);
    assert.deepEqual([trusted.acr, trusted.amr[1]], ['urn:twofold:acr:1fa', 'urn:twofold:amr:trusted-browser']);
    const more = { user: enrolled.username, browserTrusted: true, acrValues: 'https://refeds.org/profile/mfa' };
    const asked = await simulate(more);
    assert.deepEqual(steps(asked), ['password', 'one-time-code', 'finish']);
    assert.equal(asked.acr, 'https://refeds.org/profile/mfa');
    assert.ok(asked.steps[1]?.reasons.some(({ code }) => code === 'browser-not-enough'));
    const unmet = await simulate({ user: enrolled.username, acrValues: 'urn:unknown' });
    assert.deepEqual([unmet.steps, unmet.error], [[], 'unmet_authentication_requirements']);

    await run('policy set', { key: 'default', secondFactor: 'required', graceDays: '10' });
    const graced = await simulate({ user: bare.username });
    assert.ok(graced.steps[1]?.['may_wait_until']);
    const begun = await service.composed.services.inTransaction(({ graces }) => graces.find(bare.id));
    assert.equal(begun, undefined);
    await assert.rejects(simulate({ user: 'nobody' }), { code: 'not_found' });
    await run('policy delete', { key: 'default' });
    await run('policy delete', { key: 'client:wiki' });
  });
});
