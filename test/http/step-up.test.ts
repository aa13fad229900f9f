import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { addParty, byPost, callAs, claimsAs, codeForPicture, redeemAs } from '../support/policy-parties.ts';
import { startService, type Shape, type TestPerson, type TestService } from '../support/service.ts';
import { testContext } from '../support/stores.ts';
import { claimsOf, UserAgent, type StepAnswer } from '../support/user-agent.ts';

const oneFactor = 'urn:twofold:acr:1fa';
const twoFactors = 'urn:twofold:acr:2fa';
const refedsMfa = 'https://refeds.org/profile/mfa';
const otp = ['pwd', 'otp', 'mfa'];
type Finished = StepAnswer & { verifier: string };

for (const shape of ['servers'] satisfies Shape[]) {
  describe(`step-up on ${shape}`, () => {
    let service: TestService;
    before(async () => {
      const environment = { TWOFOLD_SECOND_FACTOR: 'optional', TWOFOLD_ACR_ALIASES: 'https://rp.example/strong=2fa' };
      service = await startService(shape, { environment });
      await addParty(service, 'plain', byPost);
      await addParty(service, 'strict', { ...byPost, acr_values: [twoFactors] });
      await addParty(service, 'requiring', byPost, { second_factor: 'required' });
    });
    after(() => service.close());

    const plain = { client_id: 'plain' };

    /** Answers whatever pages come with password, code and consent; says which they were. */
    async function pass(agent: UserAgent, person: TestPerson, parameters: Record<string, string>, offset = 0) {
      const pages: string[] = [];
      let used = '';
      const first = await agent.begin(parameters);
      let step: StepAnswer = first;
      while (step.page !== 'left' && pages.length < 6) {
        pages.push(step.page);
        if (step.page === 'password') step = await agent.submitPassword(step, person);
        else if (step.page === 'one-time-code') step = await agent.submit(step, { code: (used = person.code(offset)) });
        else if (step.page === 'enrol') step = await agent.submit(step, { code: codeForPicture(service, step) });
        else if (step.page === 'recovery-codes') step = await agent.submit(step, { saved: 'yes' });
        else if (step.page === 'consent') step = await agent.submit(step, { decision: 'allow' });
        else break;
      }
      return { pages, used, finished: { ...step, verifier: first.verifier } satisfies Finished };
    }

    test('C12 who has a factor is asked for the code at every client, though no policy requires one', async () => {
      const person = await service.addPerson();
      for (const [n, client] of ['plain', 'strict', 'requiring'].entries()) {
        const { pages, finished } = await pass(new UserAgent(service.issuer), person, { client_id: client }, n - 1);
        assert.deepEqual(pages, ['password', 'one-time-code', 'consent']);
        const claims = await claimsAs(service, client, finished);
        assert.deepEqual([claims['acr'], claims['amr']], [twoFactors, otp]);
      }
      const agent = new UserAgent(service.issuer);
      await agent.submitPassword(await agent.begin(plain), person);
      assert.equal((await agent.get('/account')).status, 303);
      assert.match((await agent.begin({ ...plain, prompt: 'none' })).location ?? '', /error=login_required/);
    });

    test('C11 a client whose policy or metadata needs two factors gets an enrolment, and no way round it', async () => {
      for (const client of ['requiring', 'strict']) {
        const person = await service.addPerson({ withoutFactor: true });
        const agent = new UserAgent(service.issuer);
        assert.deepEqual((await pass(agent, person, plain)).pages, ['password', 'consent']);
        const silent = await agent.begin({ client_id: client, prompt: 'none' });
        assert.match(silent.location ?? '', /error=interaction_required/);
        const enrol = await agent.begin({ client_id: client });
        assert.equal(enrol.page, 'enrol');
        for (const door of ['enrol-later', 'recovery-codes', 'one-time-code', 'consent', 'change-password']) {
          const answer = await agent.submit(
            enrol,
            { saved: 'yes', decision: 'allow' },
            enrol.action.replace(/enrol$/, door),
          );
          assert.equal(answer.page, 'enrol', door);
        }
        const { pages, finished } = await pass(agent, person, { client_id: client });
        assert.deepEqual(pages, ['enrol', 'recovery-codes', 'consent']);
        assert.deepEqual((await claimsAs(service, client, finished))['amr'], otp);
      }
    });

    test('E20 a request for two factors makes a session with one step up, and auth_time stays', async () => {
      const asks: Record<string, string>[] = [
        { acr_values: twoFactors },
        { claims: JSON.stringify({ id_token: { acr: { essential: true, values: ['urn:x', refedsMfa] } } }) },
      ];
      for (const ask of asks) {
        const person = await service.addPerson({ withoutFactor: true });
        const agent = new UserAgent(service.issuer);
        const weak = await pass(agent, person, plain);
        const weakClaims = await claimsAs(service, 'plain', weak.finished);
        assert.deepEqual([weakClaims['acr'], weakClaims['amr']], [oneFactor, ['pwd']]);
        const silent = await agent.begin({ ...plain, ...ask, prompt: 'none' });
        assert.match(silent.location ?? '', /error=interaction_required/);
        await new Promise((done) => setTimeout(done, 1100));
        const { pages, finished } = await pass(agent, person, { ...plain, ...ask });
        assert.deepEqual(pages, ['enrol', 'recovery-codes']);
        const tokens = await redeemAs(service, 'plain', finished);
        const claims = claimsOf(tokens);
        assert.deepEqual(claims['amr'], otp);
        assert.equal(claims['acr'], JSON.stringify(ask).includes('refeds') ? refedsMfa : twoFactors);
        assert.equal(claims['auth_time'], weakClaims['auth_time']);
        const told = await callAs(service, 'plain', '/introspect', { token: tokens.access_token });
        for (const name of ['acr', 'amr', 'auth_time']) assert.deepEqual(told[name], claims[name], name);
      }
    });

    test('E20 an acr that nobody here can reach is refused before anything is asked', async () => {
      const essential = (acr: object) => ({
        claims: JSON.stringify({ id_token: { acr: { essential: true, ...acr } } }),
      });
      for (const ask of [
        { acr_values: 'urn:unknown urn:other' },
        essential({ value: 'urn:unknown' }),
        essential({ values: ['urn:unknown'] }),
        essential({ values: twoFactors }),
        { ...essential({ value: 'urn:unknown' }), acr_values: twoFactors },
      ]) {
        const { location = '' } = await new UserAgent(service.issuer).begin({ ...plain, ...ask });
        assert.match(location, /error=unmet_authentication_requirements/, JSON.stringify(ask));
      }
      // What is not essential may be unknown beside what is known.
      const step = await new UserAgent(service.issuer).begin({ ...plain, acr_values: `urn:unknown ${oneFactor}` });
      assert.equal(step.page, 'password');
    });

    test('E20 of several acr values the first that the session satisfies is answered, by the name asked', async () => {
      const person = await service.addPerson();
      const agent = new UserAgent(service.issuer);
      await pass(agent, person, plain);
      for (const [asked, answered] of [
        [`urn:unknown ${refedsMfa} ${twoFactors}`, refedsMfa],
        [`https://rp.example/strong ${refedsMfa}`, 'https://rp.example/strong'],
        ['https://refeds.org/profile/sfa', 'https://refeds.org/profile/sfa'],
        [`${oneFactor} ${twoFactors}`, oneFactor],
      ] as const) {
        const { pages, finished } = await pass(agent, person, { ...plain, acr_values: asked });
        assert.deepEqual(pages, []);
        assert.equal((await claimsAs(service, 'plain', finished))['acr'], answered);
      }
      const metadata = await (await agent.get('/.well-known/openid-configuration', 'application/json')).json();
      const { acr_values_supported: supported } = metadata as { acr_values_supported: string[] };
      for (const name of [oneFactor, twoFactors, refedsMfa, 'https://rp.example/strong']) {
        assert.ok(supported.includes(name), name);
      }
    });

    test('C09 prompt=login and max_age ask password and code anew, for a new auth_time', async () => {
      const person = await service.addPerson();
      const agent = new UserAgent(service.issuer);
      let { used, finished } = await pass(agent, person, plain, -1);
      const first = await claimsAs(service, 'plain', finished);
      const asks: Record<string, string>[] = [{ prompt: 'login' }, { max_age: '1' }];
      for (const [n, again] of asks.entries()) {
        await new Promise((done) => setTimeout(done, n === 0 ? 1100 : 2100));
        const step = await agent.submitPassword(await agent.begin({ ...plain, ...again }), person);
        assert.equal(step.page, 'one-time-code');
        assert.equal((await agent.submit(step, { code: used })).error?.code, 'wrong-code');
        const next = await pass(agent, person, { ...plain, ...again }, n);
        assert.deepEqual(next.pages, ['password', 'one-time-code']);
        ({ used, finished } = next);
        const claims = await claimsAs(service, 'plain', finished);
        assert.ok((claims['auth_time'] as number) > (first['auth_time'] as number));
      }
    });

    test('C14 a refresh token from before the factor never says otp, whatever was proven since', async () => {
      const person = await service.addPerson({ withoutFactor: true });
      const agent = new UserAgent(service.issuer);
      const offline = { ...plain, scope: 'openid offline_access', prompt: 'consent' };
      const before = await redeemAs(service, 'plain', (await pass(agent, person, offline)).finished);
      await pass(agent, person, { ...plain, acr_values: twoFactors });
      const fields = { grant_type: 'refresh_token', refresh_token: before.refresh_token ?? '' };
      const refreshed = await callAs(service, 'plain', '/token', fields);
      const claims = claimsOf(refreshed as never);
      const { acr, amr, auth_time: authTime } = claimsOf(before);
      assert.deepEqual([claims['acr'], claims['amr'], claims['auth_time']], [acr, amr, authTime]);
      assert.deepEqual(claims['amr'], ['pwd']);
      const told = await callAs(service, 'plain', '/introspect', { token: String(refreshed['access_token']) });
      assert.deepEqual([told['acr'], told['amr']], [oneFactor, ['pwd']]);
      // Once the client always needs two factors, what a password alone earned is over; what two earned is not.
      const strong = { ...offline, acr_values: refedsMfa };
      const later = await redeemAs(service, 'plain', (await pass(agent, person, strong)).finished);
      const { managePolicies } = service.composed.services;
      await managePolicies.put('client:plain', { acr_values: [twoFactors] }, 'test', testContext);
      assert.equal((await callAs(service, 'plain', '/token', fields))['error'], 'invalid_grant');
      const kept = { ...fields, refresh_token: later.refresh_token ?? '' };
      assert.deepEqual(claimsOf((await callAs(service, 'plain', '/token', kept)) as never)['amr'], otp);
      await managePolicies.remove('client:plain', 'test', testContext);
    });

    test('E21 no claim is set because it was asked for', async () => {
      const [person, other] = [await service.addPerson(), await service.addPerson()];
      const agent = new UserAgent(service.issuer);
      await pass(agent, person, plain);
      const nested = Object.fromEntries(Array.from({ length: 200 }, (_, n) => [`c${n}`, { value: n }]));
      for (const idToken of [
        { acr: { value: 'urn:made-up' } },
        { amr: { essential: true, values: ['hwk', 'face'] }, roles: { value: ['operator'] } },
        { auth_time: { essential: true, value: 1 } },
        { acr: null, amr: null, email: { value: 'other@example.com' } },
        nested,
        JSON.parse('{"__proto__":{"acr":{"value":"urn:x"}},"constructor":{"value":1}}') as object,
      ]) {
        const { finished } = await pass(agent, person, { ...plain, claims: JSON.stringify({ id_token: idToken }) });
        const { location = '' } = finished;
        if (location.includes('error=unmet_authentication_requirements')) continue;
        const claims = await claimsAs(service, 'plain', finished);
        assert.deepEqual([claims['acr'], claims['amr'], claims['sub']], [twoFactors, otp, person.id]);
        assert.notEqual(claims['auth_time'], 1);
        assert.deepEqual(claims['roles'] ?? [], []);
      }
      for (const claims of [
        '7',
        '[]',
        '{"id_token":7}',
        '{"id_token":{"acr":7}}',
        '{',
        '{"id_token":{"sub":{"value":1}}}',
        `{"id_token":{${Array.from({ length: 1000 }, (_, n) => `"c${n}":null`).join(',')}}}`,
      ]) {
        const answer = await agent.copy().begin({ ...plain, claims });
        assert.ok(answer.status < 500, claims);
        assert.doesNotMatch(answer.location ?? '', /error=server_error/, claims);
      }
      const hinted = { ...plain, claims: JSON.stringify({ id_token: { sub: { value: other.id } } }), prompt: 'none' };
      assert.match((await agent.begin(hinted)).location ?? '', /error=login_required/);
    });

    test('B14 C16 a device gets what the relying party always needs, however it was approved', async () => {
      const grants = ['urn:ietf:params:oauth:grant-type:device_code'];
      const always = { ...byPost, acr_values: [twoFactors], grant_types: grants, redirect_uris: [] };
      await addParty(service, 'television', always);
      const person = await service.addPerson({ withoutFactor: true });
      const agent = new UserAgent(service.issuer);
      await pass(agent, person, plain);
      const asked = await callAs(service, 'television', '/device/auth', { scope: 'openid' });
      const userCode = String(asked['user_code']);
      const page = await (await agent.get('/device')).text();
      const xsrf = /name="xsrf" value="([^"]+)"/.exec(page)?.[1] ?? '';
      const confirmed = await agent.post('/device', { xsrf, user_code: userCode, confirm: 'yes' });
      const enrol = await agent.follow(confirmed.headers.get('location') ?? '');
      assert.equal(enrol.page, 'enrol');
      const poll = { grant_type: grants[0] ?? '', device_code: String(asked['device_code']) };
      assert.equal((await callAs(service, 'television', '/token', poll))['error'], 'authorization_pending');
      const codes = await agent.submit(enrol, { code: codeForPicture(service, enrol) });
      const consent = await agent.submit(codes, { saved: 'yes' });
      await agent.submit(consent, { decision: 'allow' });
      const tokens = await callAs(service, 'television', '/token', poll);
      assert.deepEqual(claimsOf(tokens as never)['amr'], otp);
    });

    test('B14 a step-up of somebody disabled, or whose second factor guessing closed, never finishes', async () => {
      const { manageUsers, database, secondFactor } = service.composed.services;
      const disabled = await service.addPerson({ withoutFactor: true });
      const one = new UserAgent(service.issuer);
      await pass(one, disabled, plain);
      const enrol = await one.begin({ ...plain, acr_values: twoFactors });
      await manageUsers.setDisabled(disabled.id, true, 'test', testContext);
      const refused = await one.submit(enrol, { code: codeForPicture(service, enrol) });
      assert.doesNotMatch(refused.location ?? '', /[?&]code=/);

      const closed = await service.addPerson();
      const two = new UserAgent(service.issuer);
      await database.kysely
        .insertInto('guards')
        .values({ user_id: closed.id, total: secondFactor.limits.cap })
        .onConflict((conflict) => conflict.column('user_id').doUpdateSet({ total: secondFactor.limits.cap }))
        .execute();
      const step = await two.submitPassword(await two.begin({ ...plain, acr_values: twoFactors }), closed);
      const answer = await two.submit(step, { code: closed.code() });
      assert.notEqual(answer.page, 'consent');
      assert.match((await two.copy().begin({ ...plain, prompt: 'none' })).location ?? '', /error=login_required/);
    });
  });
}
