import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import { addParty, byPost, claimsAs, codeForPicture } from '../support/policy-parties.ts';
import { provenNow } from '../support/sign-in.ts';
import { startService, type Shape, type TestPerson, type TestService } from '../support/service.ts';
import { testContext } from '../support/stores.ts';
import { TestClock } from '../support/test-clock.ts';
import { UserAgent, type StepAnswer } from '../support/user-agent.ts';

const day = 86_400;
const oneFactor = 'urn:twofold:acr:1fa';
const twoFactors = 'urn:twofold:acr:2fa';
const trustedAmr = ['pwd', 'urn:twofold:amr:trusted-browser'];
const trusting = { client_id: 'trusting' };

for (const shape of ['embedded'] satisfies Shape[]) {
  describe(`grace for enrolment on ${shape}`, () => {
    let service: TestService;
    const clock = new TestClock(20 * day);
    before(async () => {
      service = await startService(shape, { clock, environment: { TWOFOLD_SECOND_FACTOR: 'optional' } });
      await addParty(service, 'graced', byPost, { second_factor: 'required', grace_days: 7 });
      await addParty(service, 'other', byPost, { second_factor: 'required', grace_days: 14 });
      await addParty(service, 'strict', byPost, { second_factor: 'required' });
    });
    after(() => service.close());

    const graced = { client_id: 'graced' };

    test('C11 enrolment may wait until a day that nothing moves; then nothing is issued without', async () => {
      const person = await service.addPerson({ withoutFactor: true });
      const enrol = await enrolPage(graced);
      const until = new Date(clock.epochMilliseconds() + 7 * day * 1000);
      assert.ok(Math.abs(Date.parse(String(enrol.step.required_from)) - until.getTime()) < 5000);
      const finished = await later(enrol);
      const claims = await claimsAs(service, 'graced', finished);
      assert.deepEqual([claims['acr'], claims['amr']], [oneFactor, ['pwd']]);
      // The session passes while the grace runs, and at no client that gives none.
      assert.match((await enrol.agent.begin({ ...graced, prompt: 'none' })).location ?? '', /[?&]code=/);
      const silent = await enrol.agent.begin({ client_id: 'strict', prompt: 'none' });
      assert.match(silent.location ?? '', /error=interaction_required/);

      clock.advance(6 * day);
      const again = await enrolPage(graced);
      // The first page said it a moment before the grace began.
      const [first, then] = [enrol, again].map(({ step }) => Date.parse(String(step.required_from)));
      assert.ok(Math.abs(Number(then) - Number(first)) < 5000, 'a later sign-in renews nothing');
      await later(again);

      clock.advance(day);
      const over = await enrolPage(graced);
      assert.equal(over.step.later_action, undefined);
      const pushed = await over.agent.submit(over.step, {}, over.step.action.replace(/enrol$/, 'enrol-later'));
      assert.equal(pushed.page, 'enrol');
      assert.match((await over.agent.begin({ ...graced, prompt: 'none' })).location ?? '', /error=login_required/);
      // Another policy's longer grace counts from the same first day.
      clock.advance(day);
      const elsewhere = await enrolPage({ client_id: 'other' });
      const [end, other] = [enrol, elsewhere].map(({ step }) => Date.parse(String(step.required_from)));
      assert.ok(Math.abs(Number(other) - Number(end) - 7 * day * 1000) < 5000);

      async function enrolPage(parameters: Record<string, string>) {
        const agent = new UserAgent(service.issuer);
        const first = await agent.begin(parameters);
        const step = (await agent.submitPassword(first, person)) as StepAnswer & Record<string, unknown>;
        assert.equal(step.page, 'enrol');
        return { agent, step, verifier: first.verifier };
      }
      async function later({ agent, step, verifier }: Awaited<ReturnType<typeof enrolPage>>) {
        let next = await agent.submit(step, {}, String(step['later_action']));
        if (next.page === 'consent') next = await agent.submit(next, { decision: 'allow' });
        return { ...next, verifier };
      }
    });

    test('C11 a request for two factors does not wait, though the grace runs', async () => {
      const person = await service.addPerson({ withoutFactor: true });
      const agent = new UserAgent(service.issuer);
      const step = await agent.submitPassword(await agent.begin({ ...graced, acr_values: twoFactors }), person);
      assert.equal(step.page, 'enrol');
      assert.equal((step as unknown as Record<string, unknown>)['later_action'], undefined);
      const codes = await agent.submit(step, { code: codeForPicture(service, step) });
      assert.equal((await agent.submit(codes, { saved: 'yes' })).page, 'consent');
    });
  });

  describe(`first enrolment in a grace period on ${shape}`, () => {
    let service: TestService;
    before(async () => {
      service = await startService(shape, { environment: { TWOFOLD_FIRST_ENROLMENT: 'mail' } });
      const { managePolicies } = service.composed.services;
      await managePolicies.put('default', { second_factor: 'required', grace_days: 7 }, 'test', testContext);
    });
    after(() => service.close());

    test('C11 a sign-in with the password alone makes no browser known for a first enrolment', async () => {
      const person = await service.addPerson({ withoutFactor: true });
      const agent = new UserAgent(service.issuer);
      for (const parameters of [{}, { prompt: 'login' }] as Record<string, string>[]) {
        const step = await agent.submitPassword(await agent.begin(parameters), person);
        assert.equal(step.page, 'mail-link-sent');
        const later = (step as unknown as Record<string, unknown>)['later_action'];
        let next = await agent.submit(step, {}, String(later));
        if (next.page === 'consent') next = await agent.submit(next, { decision: 'allow' });
        assert.match(next.location ?? '', /[?&]code=/);
      }
      assert.equal((await agent.begin({ acr_values: twoFactors })).page, 'mail-link-sent');
    });
  });

  describe(`F15 trusted browsers on ${shape}`, () => {
    let service: TestService;
    const clock = new TestClock(60 * day);
    before(async () => {
      service = await startService(shape, { clock });
      await addParty(service, 'trusting', byPost, { trusted_browser_days: 30 });
      await addParty(service, 'week', byPost, { trusted_browser_days: 7 });
      await addParty(service, 'never', byPost);
      await addParty(service, 'strict', { ...byPost, acr_values: [twoFactors] }, { trusted_browser_days: 30 });
    });
    after(() => service.close());
    beforeEach(() => clock.advance(60));

    test('F15 F02 one stands in for the code where that is allowed, and acr and amr say so', async () => {
      const person = await service.addPerson();
      const agent = await trusted(person);
      const { step, verifier } = await freshly(agent, person, trusting);
      assert.equal(step.page, 'left');
      const claims = await claimsAs(service, 'trusting', { ...step, verifier });
      assert.deepEqual([claims['acr'], claims['amr']], [oneFactor, trustedAmr]);
      // The session it made is worth as much: no code again here, one wherever more is wanted.
      assert.match((await agent.begin({ ...trusting, prompt: 'none' })).location ?? '', /[?&]code=/);
      for (const more of [
        { ...trusting, acr_values: twoFactors },
        { client_id: 'never' },
        { client_id: 'strict' },
        { ...trusting, claims: JSON.stringify({ id_token: { acr: { essential: true, value: twoFactors } } }) },
      ] as Record<string, string>[]) {
        const silent = await agent.copy().begin({ ...more, prompt: 'none' });
        assert.match(silent.location ?? '', /error=interaction_required/, JSON.stringify(more));
        assert.equal((await agent.copy().begin(more)).page, 'one-time-code', JSON.stringify(more));
      }
      for (const door of ['/account', '/account/sessions']) {
        assert.match((await agent.copy().get(door)).headers.get('location') ?? '', /^\/auth\?/, door);
      }
      const audit = await recorded(person.id);
      assert.ok(audit.includes('trusted-browser.added') && audit.includes('trusted-browser.used'), audit.join(' '));
    });

    test('F15 C09 it is worth nothing to another person, in another browser, or where a fresh sign-in is asked', async () => {
      const [person, other] = [await service.addPerson(), await service.addPerson()];
      const agent = await trusted(person);
      assert.equal((await freshly(agent, other, trusting)).step.page, 'one-time-code');
      assert.equal((await freshly(new UserAgent(service.issuer), person, trusting)).step.page, 'one-time-code');
      assert.equal((await freshly(agent, person, { ...trusting, prompt: 'login' })).step.page, 'one-time-code');
      assert.equal((await freshly(agent, person, { ...trusting, max_age: '600' })).step.page, 'one-time-code');
      assert.equal((await freshly(agent, person, { client_id: 'never' })).step.page, 'one-time-code');
    });

    test('F15 the box counts only where it was offered', async () => {
      const person = await service.addPerson();
      const { trustedBrowsers } = service.composed.services;
      for (const client of ['never', 'strict']) {
        const agent = new UserAgent(service.issuer);
        const { step } = await freshly(agent, person, { client_id: client });
        assert.equal((step as unknown as Record<string, unknown>)['trust_browser_days'], undefined);
        await agent.submit(step, { code: person.code(client === 'never' ? -1 : 0), trust_browser: 'yes' });
        assert.deepEqual(await trustedBrowsers.list(person.id), []);
      }
    });

    test('F15 it ends after the days the relying party allows, thirty at most', async () => {
      const person = await service.addPerson();
      const agent = await trusted(person);
      const [browser] = await service.composed.services.trustedBrowsers.list(person.id);
      assert.equal((browser?.expiresAt.getTime() ?? 0) - (browser?.trustedAt.getTime() ?? 0), 30 * day * 1000);
      clock.advance(7 * day - 10);
      assert.equal((await freshly(agent, person, { client_id: 'week' })).step.page, 'consent');
      clock.advance(10);
      assert.equal((await freshly(agent, person, { client_id: 'week' })).step.page, 'one-time-code');
      clock.advance(23 * day - 10);
      assert.equal((await freshly(agent, person, trusting)).step.page, 'left');
      clock.advance(10);
      assert.equal((await freshly(agent, person, trusting)).step.page, 'one-time-code');
    });

    test('F15 it ends when revoked, with the password, a reset, the last authenticator, and a policy that forbids it', async () => {
      const { trustedBrowsers, setPassword, resetSecondFactor, changeSecondFactor, status, managePolicies } =
        service.composed.services;
      const ends: Record<string, (person: TestPerson) => Promise<unknown>> = {
        revoked: async ({ id }) => {
          const [browser] = await trustedBrowsers.list(id);
          const other = await service.addPerson();
          assert.equal(await trustedBrowsers.revoke(other.id, browser?.id ?? '', other.id, testContext), false);
          assert.equal(await trustedBrowsers.revoke(id, browser?.id ?? '', id, testContext), true);
        },
        'all revoked': async ({ id }) => assert.equal(await trustedBrowsers.revokeAll(id, id, testContext), 1),
        password: ({ id, password }) =>
          setPassword({
            userId: id,
            names: [],
            password: `${password} anew`,
            secondFactorProven: true,
            provenBy: undefined,
            type: 'password.changed',
            context: testContext,
          }),
        reset: ({ id }) => resetSecondFactor.reset({ userId: id, actor: 'x', reason: 'x', context: testContext }),
        'last authenticator': async ({ id }) => {
          const [only] = (await status(id)).authenticators;
          await changeSecondFactor.remove(id, only?.id ?? '', true, testContext, await provenNow(service, { id }));
        },
      };
      for (const [name, end] of Object.entries(ends)) {
        const person = await service.addPerson();
        const agent = await trusted(person);
        const session = agent.copy();
        assert.equal((await freshly(session, person, trusting)).step.page, 'left');
        await end(person);
        assert.deepEqual(await trustedBrowsers.list(person.id), [], name);
        // The session that it made is asked for a code too, if it still is one.
        const silent = await session.begin({ ...trusting, prompt: 'none' });
        assert.match(silent.location ?? '', /error=(interaction|login)_required/, name);
      }
      const person = await service.addPerson();
      const agent = await trusted(person);
      await managePolicies.put(`user:${person.id}`, { trusted_browser_days: 0 }, 'test', testContext);
      assert.equal((await freshly(agent, person, trusting)).step.page, 'one-time-code');
    });

    test('F15 a cookie planted before is not the one that gets trusted', async () => {
      const person = await service.addPerson();
      const thief = await trusted(person);
      await service.composed.services.trustedBrowsers.revokeAll(person.id, person.id, testContext);
      const victim = thief.copy();
      clock.advance(90);
      const { step } = await freshly(victim, person, trusting);
      await victim.submit(step, { code: person.code(), trust_browser: 'yes' });
      assert.equal((await freshly(victim, person, trusting)).step.page, 'left');
      assert.equal((await freshly(thief, person, trusting)).step.page, 'one-time-code');
    });

    test('F15 while codes are guessed with the password no trusted browser stands in for one', async () => {
      const person = await service.addPerson();
      const agent = await trusted(person);
      const { database, secondFactor } = service.composed.services;
      const total = secondFactor.limits.changePasswordAt;
      await database.kysely.updateTable('guards').set({ total }).where('user_id', '=', person.id).execute();
      assert.equal((await freshly(agent, person, trusting)).step.page, 'one-time-code');
    });

    /** A browser in which the person just ticked the box. */
    async function trusted(person: TestPerson): Promise<UserAgent> {
      const agent = new UserAgent(service.issuer);
      const { step } = await freshly(agent, person, trusting);
      assert.equal((step as unknown as Record<string, unknown>)['trust_browser_days'], 30);
      const consent = await agent.submit(step, { code: person.code(), trust_browser: 'yes' });
      assert.equal((await agent.submit(consent, { decision: 'allow' })).page, 'left');
      return agent;
    }

    /** The step after the password in a browser whose session is gone, and what makes it trusted is not. */
    async function freshly(agent: UserAgent, person: TestPerson, parameters: Record<string, string>) {
      agent.forget('twofold-session');
      const first = await agent.begin(parameters);
      return { step: await agent.submitPassword(first, person), verifier: first.verifier };
    }

    async function recorded(userId: string): Promise<string[]> {
      const rows = await service.composed.services.database.kysely
        .selectFrom('audit_events')
        .select('type')
        .where('target', '=', userId)
        .execute();
      return rows.map(({ type }) => type);
    }
  });
}
