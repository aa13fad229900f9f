import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { startService, testClient, type Shape, type TestService } from '../support/service.ts';
import { assertNothingIssued, guardOf, halfway, newBrowserOf } from '../support/sign-in.ts';
import { claimsOf, codeOf, redeem, token } from '../support/user-agent.ts';

for (const shape of ['servers', 'embedded'] satisfies Shape[]) {
  describe(`half-way sign-ins on ${shape}`, () => {
    let service: TestService;
    before(async () => {
      service = await startService(shape, { replicas: 3 });
      for (const [id, firstParty] of [
        ['second', false],
        ['first-party', true],
      ] as const) {
        await service.composed.services.manageRelyingParties.apply(
          {
            client_id: id,
            client_secret: `a secret of ${id}, long enough for it`,
            client_name: id,
            redirect_uris: [testClient.redirectUri],
            grant_types: ['authorization_code'],
            first_party: firstParty,
          },
          'test',
          { requestId: 'test', address: '192.0.2.1', userAgent: 'test' },
        );
      }
    });
    after(() => service.close());

    test('C01 no address leads past the code page: the resume, other steps, a new request, the redirect of the client', async () => {
      const person = await service.addPerson();
      const { agent, step } = await halfway(service, person);
      const uid = /\/interaction\/([^/]+)/.exec(step.action)?.[1] ?? '';
      for (const name of ['enrol', 'recovery-codes', 'change-password', 'consent', 'enrol-later', 'finish', 'login']) {
        const fields = { decision: 'allow', saved: 'yes', new_password: 'seven small green apples', code: '000000' };
        const answer = await agent.submit(step, fields, `/interaction/${uid}/${name}`);
        assert.notEqual(answer.page, 'left', name);
        assert.notEqual(answer.page, 'consent', name);
        await agent.get(`/interaction/${uid}/${name}`);
      }
      const resumed = await agent.copy().get(`/auth/${uid}`);
      assert.doesNotMatch(resumed.headers.get('location') ?? '', /[?&]code=/);
      await assertNothingIssued(service, agent, person);
      assert.equal((await agent.begin()).page, 'password', 'a new request begins anew');
    });

    test('C02 a half session gets no code silently, at no client and with no hint', async () => {
      const person = await service.addPerson();
      const { agent } = await halfway(service, person);
      for (const client of [testClient.id, 'second', 'first-party']) {
        for (const more of [
          {} as Record<string, string>,
          { login_hint: person.username },
          { max_age: '9999' },
          { acr_values: 'urn:twofold:acr:1fa' },
        ]) {
          const silent = await agent.copy().begin({ prompt: 'none', client_id: client, ...more });
          assert.match(silent.location ?? '', /[?&]error=(login|interaction)_required/, JSON.stringify(more));
        }
      }
      await assertNothingIssued(service, agent, person);
    });

    test('C03 C16 our own pages take a half session for nobody', async () => {
      const person = await service.addPerson();
      const { agent } = await halfway(service, person);
      for (const path of [
        '/account',
        '/account/authenticators',
        '/account/recovery-codes',
        '/account/sessions',
        '/account/applications',
        '/account/password',
        '/account/activity',
      ]) {
        const response = await agent.copy().get(path);
        assert.equal(response.status, 303, path);
        assert.match(response.headers.get('location') ?? '', /^\/auth\?/, path);
      }
      for (const path of [
        '/account/recovery-codes',
        '/account/password',
        '/account/sign-out',
        '/account/authenticators',
      ]) {
        const response = await agent.copy().post(path, { code: person.code(), csrf: 'x' });
        assert.ok(response.status >= 300, path);
        assert.doesNotMatch(await response.text(), new RegExp(person.username), path);
      }
      for (const path of ['/account/api/v1/second-factor', '/admin/api/v1/users', '/me']) {
        assert.ok([401, 403, 404].includes((await agent.copy().get(path)).status), path);
      }
      const out = await (await agent.copy().get('/logout')).text();
      assert.doesNotMatch(out, new RegExp(person.username));

      const device = (await (
        await fetch(`${service.issuer}/device/auth`, {
          method: 'POST',
          body: new URLSearchParams({ client_id: testClient.id, scope: 'openid' }),
          headers: { authorization: basic() },
        })
      ).json()) as { user_code: string; device_code: string };
      const page = await agent.copy().get(`/device?user_code=${device.user_code}`);
      assert.doesNotMatch(await page.text(), new RegExp(person.username));
      const polled = await token(service.issuer, {
        grant_type: 'urn:ietf:params:oauth:grant-type:device_code',
        device_code: device.device_code,
      });
      assert.equal(polled.error, 'authorization_pending');
      assert.equal((await guardOf(service, person)).total, 0);
    });

    test('C09 asked to sign in again, a full session proves both factors again, and nothing old serves', async () => {
      const person = await service.addPerson();
      const { agent, step, verifier } = await halfway(service, person);
      const used = person.code(-1);
      let done = await agent.submit(step, { code: used });
      if (done.page === 'consent') done = await agent.submit(done, { decision: 'allow' });
      const before = claimsOf(await redeem(service.issuer, codeOf(done), verifier));
      for (const asked of [{ prompt: 'login' } as Record<string, string>, { max_age: '0' }]) {
        const first = await agent.copy().begin(asked);
        assert.equal(first.page, 'password', JSON.stringify(asked));
      }
      await new Promise((resolve) => setTimeout(resolve, 2100));
      const again = await halfway(service, person, { agent, parameters: { max_age: '1' } });
      assert.equal(again.step.page, 'one-time-code');
      const refused = await agent.submit(again.step, { code: used });
      assert.equal(refused.error?.code, 'wrong-code');
      const finished = await agent.submit(refused, { code: person.code() });
      const after = claimsOf(await redeem(service.issuer, codeOf(finished), again.verifier));
      assert.ok((after['auth_time'] as number) > (before['auth_time'] as number));
      assert.deepEqual(after['amr'], ['pwd', 'otp', 'mfa']);
    });

    test('K03 C18 a password that an operator voids ends what it began: no code is taken, nothing is enrolled', async () => {
      const [withFactor, without] = [await service.addPerson(), await service.addPerson({ withoutFactor: true })];
      const act = { actor: 'command-line', reason: 'lost', context: { requestId: 't', address: '', userAgent: '' } };
      const { resetSecondFactor } = service.composed.services;

      const one = await halfway(service, withFactor);
      await resetSecondFactor.reopen({ ...act, userId: withFactor.id });
      const refused = await one.agent.submit(one.step, { code: withFactor.code() });
      assert.notEqual(refused.page, 'consent');
      await assertNothingIssued(service, one.agent, withFactor);

      const two = await halfway(service, without);
      assert.equal(two.step.page, 'enrol');
      await resetSecondFactor.reset({ ...act, userId: without.id });
      const answer = await two.agent.submit(two.step, { code: '123456' });
      assert.notEqual(answer.page, 'enrol', 'the old password enrols nothing');
      assert.equal(answer.enrolment, undefined);
      await assertNothingIssued(service, two.agent, without);
    });

    test('C22 the address of a sign-in is worth nothing in another browser', async () => {
      const person = await service.addPerson();
      const one = await halfway(service, person);
      const other = newBrowserOf(service);
      await other.begin();
      const page = one.step.action.replace(/\/one-time-code$/, '');
      for (const stranger of [newBrowserOf(service), other]) {
        assert.ok((await stranger.get(page)).status >= 400);
        const answer = await stranger.submit(one.step, { code: person.code() });
        assert.ok(answer.status >= 400);
        assert.notEqual(answer.page, 'consent');
      }
      assert.equal((await guardOf(service, person)).total, 0);
      assert.equal((await one.agent.submit(one.step, { code: person.code() })).page, 'consent');
    });

    test('C23 G05 a form of another site, without a token, or drawn before the last proof is refused', async () => {
      const person = await service.addPerson();
      const agent = newBrowserOf(service);
      const first = await agent.begin();
      const fields = { csrf: first.csrf, login: person.username, password: person.password };
      const send = (headers: Record<string, string>, body: Record<string, string> = fields): Promise<Response> =>
        agent.request(first.action, { method: 'POST', body: new URLSearchParams(body), headers });
      for (const headers of [
        { origin: 'https://evil.example' } as Record<string, string>,
        { origin: 'null' },
        { origin: service.issuer, 'sec-fetch-site': 'cross-site' },
        { origin: service.issuer, 'sec-fetch-site': 'same-site' },
      ]) {
        assert.equal((await send(headers)).status, 403, JSON.stringify(headers));
      }
      assert.equal((await send({ origin: service.issuer }, { ...fields, csrf: '' })).status, 403);
      const stranger = await newBrowserOf(service).begin();
      assert.equal((await send({ origin: service.issuer }, { ...fields, csrf: stranger.csrf })).status, 403);
      const step = await agent.submitPassword(first, person);
      assert.equal(step.page, 'one-time-code');
      const stale = await agent.post(step.action, { csrf: first.csrf, code: person.code() });
      assert.equal(stale.status, 403, 'G06 a token from before the proof is refused after it');
      await assertNothingIssued(service, agent, person);
    });

    test('C24 doors that nobody opened are shut: password grant, implicit, registration, CIBA, token exchange', async () => {
      const person = await service.addPerson();
      for (const grant of [
        { grant_type: 'password', username: person.username, password: person.password },
        { grant_type: 'implicit' } as Record<string, string>,
        { grant_type: 'urn:openid:params:grant-type:ciba', auth_req_id: 'x' },
        { grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange', subject_token: 'x' },
      ]) {
        const answer = await token(service.issuer, grant);
        assert.match(
          answer.error ?? '',
          /unsupported_grant_type|unauthorized_client|invalid_request/,
          grant.grant_type,
        );
      }
      for (const responseType of ['token', 'id_token', 'code id_token', 'none']) {
        const answer = await newBrowserOf(service).begin({ response_type: responseType, nonce: 'n' });
        assert.doesNotMatch(answer.location ?? '', /access_token|id_token=/, responseType);
        assert.notEqual(answer.page, 'password', responseType);
      }
      for (const path of ['/register', '/backchannel', '/interaction', '/session/end', '/debug']) {
        const response = await fetch(`${service.issuer}${path}`, { method: 'POST', redirect: 'manual' });
        assert.ok([404, 405].includes(response.status), `${path} ${response.status}`);
      }
    });

    test('G12 a double click and a repeated form end one sign-in, and cost the owner nothing', async () => {
      const person = await service.addPerson();
      const { agent, step } = await halfway(service, person);
      const code = person.code();
      const fields = { csrf: step.csrf, code };
      const answers = await Promise.all(
        [1, 2, 3].map(() => agent.copy().post(step.action, fields, 'application/json')),
      );
      const pages = await Promise.all(answers.map(async (answer) => ((await answer.json()) as { page: string }).page));
      assert.ok(pages.includes('finished'), pages.join());
      assert.ok(
        pages.every((page) => page !== 'error'),
        pages.join(),
      );
      assert.equal((await guardOf(service, person)).total, 0);
      const done = await agent.look(step.action.replace(/\/one-time-code$/, ''));
      assert.equal(done.page, 'finished');
      const consent = await agent.follow(done.location ?? '');
      assert.equal(consent.page, 'consent');
    });
  });
}

function basic(): string {
  const credentials = [testClient.id, testClient.secret].map(encodeURIComponent).join(':');
  return `Basic ${Buffer.from(credentials).toString('base64')}`;
}
