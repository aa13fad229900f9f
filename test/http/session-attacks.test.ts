import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { SignJWT, UnsecuredJWT, decodeJwt } from 'jose';
import { pageOf } from '../support/forms.ts';
import { keyPair } from '../support/protocol-client.ts';
import { startService, testClient, type TestPerson, type TestService } from '../support/service.ts';
import { assertNothingIssued, halfway, issuedTo, newBrowserOf, setAnotherPassword } from '../support/sign-in.ts';
import { testContext } from '../support/stores.ts';
import { claimsOf, codeOf, token, type UserAgent } from '../support/user-agent.ts';

const sessionCookie = 'twofold-session';
const xsrfIn = (html: string): string => /name="xsrf" value="([^"]+)"/.exec(html)?.[1] ?? '';

describe('attacks on sessions, sign-out and devices', () => {
  let service: TestService;
  before(async () => {
    service = await startService('servers', { replicas: 2 });
  });
  after(() => service.close());

  async function signedIn(person: TestPerson) {
    const agent = newBrowserOf(service);
    const finished = await agent.signIn(person);
    return { agent, finished };
  }

  async function isSignedIn(agent: UserAgent): Promise<boolean> {
    return ((await agent.copy().begin({ prompt: 'none' })).location ?? '').includes('code=');
  }

  const idOf = (agent: UserAgent): string => agent.cookies.get(sessionCookie)?.value ?? '';

  async function ageSessions(person: TestPerson, changes: { seenAgo?: number; expiredAgo?: number }): Promise<void> {
    const back = (seconds: number): Date => new Date(Date.now() - seconds * 1000);
    await service.composed.services.database.kysely
      .updateTable('sessions')
      .set({
        ...(changes.seenAgo === undefined ? {} : { last_seen_at: back(changes.seenAgo) }),
        ...(changes.expiredAgo === undefined ? {} : { expires_at: back(changes.expiredAgo) }),
      })
      .where('user_id', '=', person.id)
      .execute();
  }

  test('a finished sign-in waits while somebody else who signed in meanwhile is asked to sign out', async () => {
    const [person, somebodyElse] = [await service.addPerson(), await service.addPerson()];
    const agent = newBrowserOf(service);
    const step = await agent.submitPassword(await agent.begin(), person);
    const finished = await agent.post(step.action, { csrf: step.csrf, code: person.code() }, 'application/json');
    const { location } = (await finished.json()) as { location: string };
    await agent.signIn(somebodyElse);
    for (let visit = 0; visit < 2; visit += 1) {
      const asked = await agent.get(location);
      assert.equal(asked.status, 200);
      assert.match(await asked.text(), /logout\/confirm/);
    }
    assert.deepEqual(await issuedTo(service, person), { sessions: 0, grants: 0 });
    agent.forget(sessionCookie);
    agent.forget(`${sessionCookie}.sig`);
    assert.equal((await agent.follow(location)).page, 'consent');
  });

  test('F01 a planted session gets a new id at the sign-in and at each later one, and the old ids are dead', async () => {
    const person = await service.addPerson();
    const planter = newBrowserOf(service);
    await planter.begin();
    await planter.begin({ prompt: 'none' });
    const agent = planter.copy();
    const finished = await agent.signIn(person);
    assert.equal(finished.page, 'left');
    assert.notEqual(idOf(agent), '');
    if (idOf(planter) !== '') assert.notEqual(idOf(agent), idOf(planter));
    assert.equal(await isSignedIn(planter), false, 'whoever planted it is nobody');
    assert.equal(await isSignedIn(agent), true);
    const beforeAgain = agent.copy();
    const again = await halfway(service, person, { agent, parameters: { prompt: 'login' } });
    assert.equal((await agent.submit(again.step, { code: person.code(1) })).page, 'left');
    assert.notEqual(idOf(agent), idOf(beforeAgain));
    assert.equal(await isSignedIn(agent), true);
    assert.equal(await isSignedIn(beforeAgain), false, 'the id of before is dead on every replica');
    assert.equal(await isSignedIn(beforeAgain), false);
  });

  test('F04 a session ends after an hour idle and a day at most; silent requests do not move its end', async () => {
    const person = await service.addPerson();
    const { agent, finished } = await signedIn(person);
    const { access_token: accessToken } = await agent.redeem(finished);
    const userinfo = async () =>
      (await fetch(`${service.issuer}/me`, { headers: { authorization: `Bearer ${accessToken}` } })).status;
    const end = async () =>
      service.composed.services.database.kysely
        .selectFrom('sessions')
        .select(['expires_at', 'created_at'])
        .where('user_id', '=', person.id)
        .executeTakeFirstOrThrow();
    const first = await end();
    assert.ok(Number(first.expires_at) - Number(first.created_at) <= 86_410_000);
    await ageSessions(person, { seenAgo: 3500 });
    assert.equal(await isSignedIn(agent), true);
    const later = await end();
    assert.ok(Math.abs(Number(later.expires_at) - Number(first.expires_at)) < 10_000, 'the end stands');
    await ageSessions(person, { seenAgo: 3500 });
    assert.equal((await agent.get('/account')).status, 200, 'a visit is activity');
    assert.equal(await isSignedIn(agent), true);
    await ageSessions(person, { seenAgo: 3601 });
    assert.equal(await isSignedIn(agent), false, 'an hour without activity');
    assert.equal((await agent.copy().get('/account')).status, 303);
    assert.equal(await userinfo(), 200, 'a token ends with the session, not with its idleness');
    await ageSessions(person, { seenAgo: 0, expiredAgo: 1 });
    assert.equal(await isSignedIn(agent), false);
    assert.equal(await userinfo(), 401);
  });

  test('F06 sign-out follows no address that is unregistered or extended, and no hint that is not ours', async () => {
    const person = await service.addPerson();
    const { agent, finished } = await signedIn(person);
    const { id_token: hint } = await agent.redeem(finished);
    const claims = decodeJwt(hint);
    const { privateKey } = await keyPair();
    const foreign = await new SignJWT(claims).setProtectedHeader({ alg: 'ES256', kid: 'client-key' }).sign(privateKey);
    const unsigned = new UnsecuredJWT(claims).encode();
    const home = 'https://rp.example/';
    const refused: Record<string, string>[] = [
      { id_token_hint: hint, post_logout_redirect_uri: 'https://evil.example/' },
      { id_token_hint: hint, post_logout_redirect_uri: `${home}?x=1` },
      { id_token_hint: hint, post_logout_redirect_uri: `${home}#x` },
      { id_token_hint: hint, post_logout_redirect_uri: 'https://rp.example' },
      { id_token_hint: hint, post_logout_redirect_uri: 'https://rp.example.evil.example/' },
      { id_token_hint: unsigned, post_logout_redirect_uri: home },
      { id_token_hint: foreign, post_logout_redirect_uri: home },
      { id_token_hint: 'x', post_logout_redirect_uri: home },
      { id_token_hint: hint, client_id: 'account', post_logout_redirect_uri: home },
      { client_id: 'nobody', post_logout_redirect_uri: home },
    ];
    for (const query of refused) {
      const response = await agent.copy().get(`/logout?${new URLSearchParams(query).toString()}`);
      const text = await response.text();
      assert.equal(response.status, 400, JSON.stringify(query));
      assert.equal(response.headers.get('location'), null);
      assert.equal(pageOf(text), 'error');
      assert.equal(await isSignedIn(agent), true);
    }
    for (const query of [{}, { client_id: testClient.id, post_logout_redirect_uri: home }] as Record<
      string,
      string
    >[]) {
      const response = await agent.copy().get(`/logout?${new URLSearchParams(query).toString()}`);
      assert.equal(pageOf(await response.text()), 'logout');
    }
    const query = new URLSearchParams({ id_token_hint: hint, post_logout_redirect_uri: home, state: 's' });
    const page = await (await agent.get(`/logout?${query.toString()}`)).text();
    assert.equal(pageOf(page), 'logout');
    const done = await agent.post('/logout/confirm', { xsrf: xsrfIn(page), logout: 'yes' });
    assert.equal(done.headers.get('location'), `${home}?state=s`);
    assert.equal(await isSignedIn(agent), false);
  });

  test('F07 nobody is signed out by another site: each way asks, and a forged yes is refused', async () => {
    const [person, other] = [await service.addPerson(), await service.addPerson()];
    const { agent } = await signedIn(person);
    const theirs = await signedIn(other);
    const { id_token: hint } = await theirs.agent.redeem(theirs.finished);
    const silentWays = [
      () => agent.copy().get('/logout'),
      () => agent.copy().get(`/logout?id_token_hint=${hint}`),
      () => agent.copy().post('/logout', { id_token_hint: hint }),
      () => agent.copy().post('/logout/confirm', { logout: 'yes' }),
      () => agent.copy().post('/logout/confirm', { logout: 'yes', xsrf: 'x' }),
      () => agent.copy().post('/account/sign-out', { csrf: 'x' }),
    ];
    for (const way of silentWays) {
      await (await way()).text();
      assert.equal(await isSignedIn(agent), true, String(way));
    }
    const page = await (await theirs.agent.get('/logout')).text();
    await agent.copy().post('/logout/confirm', { logout: 'yes', xsrf: xsrfIn(page) });
    assert.equal(await isSignedIn(agent), true, 'the form of another session');
  });

  test('F13 what one person left behind in a browser is nobody else’s: not the consent, not the code', async () => {
    const [owner, next] = [await service.addPerson(), await service.addPerson()];
    const agent = newBrowserOf(service);
    const first = await halfway(service, owner, { agent });
    const consent = await agent.submit(first.step, { code: owner.code() });
    assert.equal(consent.page, 'consent');
    const left = agent.copy();
    const second = await halfway(service, next, { agent, parameters: { prompt: 'login' } });
    let done = await agent.submit(second.step, { code: next.code() });
    if (done.page === 'consent') done = await agent.submit(done, { decision: 'allow' });
    assert.equal(claimsOf(await agent.redeem({ ...done, verifier: second.verifier }))['sub'], next.id);
    const stale = await agent.submit(consent, { decision: 'allow' });
    if (stale.location?.includes('code=') === true) {
      const { sub } = claimsOf(await agent.redeem({ ...stale, verifier: first.verifier }));
      assert.fail(`the consent of ${owner.id} ended as a code for ${String(sub)}`);
    }
    const fromTheLeft = await left.submit(consent, { decision: 'allow' });
    assert.doesNotMatch(fromTheLeft.location ?? '', /code=/, 'the session of before ended with the next person');
    const silent = await agent.begin({ prompt: 'none' });
    assert.equal(claimsOf(await agent.redeem(silent))['sub'], next.id);
  });

  test('F14 a code whose session was ended before it was redeemed gets nothing', async () => {
    const person = await service.addPerson();
    const { agent, finished } = await signedIn(person);
    const page = await (await agent.get('/logout')).text();
    await agent.post('/logout/confirm', { xsrf: xsrfIn(page), logout: 'yes' });
    assert.equal(await isSignedIn(agent), false);
    assert.equal((await agent.redeem(finished)).error, 'invalid_grant');
  });

  describe('devices', () => {
    const grant = 'urn:ietf:params:oauth:grant-type:device_code';
    const basic = `Basic ${Buffer.from([testClient.id, testClient.secret].map(encodeURIComponent).join(':')).toString('base64')}`;

    async function startDevice(): Promise<{ readonly user_code: string; readonly device_code: string }> {
      const response = await fetch(`${service.issuer}/device/auth`, {
        method: 'POST',
        body: new URLSearchParams({ client_id: testClient.id, scope: 'openid' }),
        headers: { authorization: basic },
      });
      return (await response.json()) as { user_code: string; device_code: string };
    }
    const poll = (device_code: string) => token(service.issuer, { grant_type: grant, device_code });

    /** The confirmation page of a user code, in this browser. */
    async function openDevice(agent: UserAgent, userCode: string): Promise<string> {
      const xsrf = xsrfIn(await (await agent.get('/device')).text());
      const page = await (await agent.post('/device', { xsrf, user_code: userCode })).text();
      assert.equal(pageOf(page), 'device-confirm');
      return xsrfIn(page) || xsrf;
    }
    const confirm = (agent: UserAgent, xsrf: string, userCode: string) =>
      agent.post('/device', { xsrf, user_code: userCode, confirm: 'yes' });

    test('C16 a device waits until somebody with both factors pressed approve; looking or half a sign-in is none', async () => {
      const person = await service.addPerson();
      const device = await startDevice();
      const stranger = newBrowserOf(service);
      await openDevice(stranger, device.user_code);
      assert.equal((await poll(device.device_code)).error, 'authorization_pending');
      const full = await signedIn(person);
      await full.agent.get(`/device?user_code=${device.user_code}`);
      const xsrf = await openDevice(full.agent, device.user_code);
      assert.equal((await poll(device.device_code)).error, 'authorization_pending', 'a full session looks');
      await (await full.agent.post('/device', { xsrf: 'x', user_code: device.user_code, confirm: 'yes' })).text();
      assert.equal((await poll(device.device_code)).error, 'authorization_pending', 'a forged yes');
      const { agent: half } = await halfway(service, person);
      const halfDevice = await startDevice();
      const answer = await confirm(half, await openDevice(half, halfDevice.user_code), halfDevice.user_code);
      const step = await half.follow(answer.headers.get('location') ?? '');
      assert.equal(step.page, 'password', 'half a sign-in begins anew');
      assert.equal((await poll(halfDevice.device_code)).error, 'authorization_pending');
      const fresh = await openDevice(full.agent, device.user_code).catch(() => xsrf);
      let last = await confirm(full.agent, fresh, device.user_code);
      if (last.headers.has('location')) {
        let next = await full.agent.follow(last.headers.get('location') ?? '');
        if (next.page === 'consent') next = await full.agent.submit(next, { decision: 'allow' });
        assert.equal(next.page, 'device-done');
      } else last = await full.agent.get('/account');
      const tokens = await poll(device.device_code);
      assert.equal(claimsOf(tokens)['sub'], person.id);
      assert.deepEqual(claimsOf(tokens)['amr'], ['pwd', 'otp', 'mfa']);
      assert.equal((await poll(device.device_code)).error, 'invalid_grant');
    });

    test('C16 a sign-in finished for a device is over once what it proved does not stand', async () => {
      const { manageUsers } = service.composed.services;
      const changes: Record<string, (person: TestPerson) => Promise<unknown>> = {
        disabled: (person) => manageUsers.setDisabled(person.id, true, 'test', testContext),
        'disabled and enabled': async (person) => {
          await manageUsers.setDisabled(person.id, true, 'test', testContext);
          await manageUsers.setDisabled(person.id, false, 'test', testContext);
        },
        'of a new password': (person) => setAnotherPassword(service, person),
      };
      for (const [name, change] of Object.entries(changes)) {
        const person = await service.addPerson();
        const device = await startDevice();
        const agent = newBrowserOf(service);
        const asked = await confirm(agent, await openDevice(agent, device.user_code), device.user_code);
        const first = await agent.follow(asked.headers.get('location') ?? '');
        const step = await agent.submitPassword(first, person);
        const answer = await agent.post(step.action, { csrf: step.csrf, code: person.code() }, 'application/json');
        const { location } = (await answer.json()) as { location: string };
        await change(person);
        const resumed = await agent.get(location);
        assert.equal(resumed.headers.get('location'), null, name);
        assert.equal(pageOf(await resumed.text()), 'device-code', `${name}: it begins anew`);
        assert.equal((await agent.begin({ prompt: 'none' })).location?.includes('code='), false, name);
        assert.deepEqual(await issuedTo(service, person), { sessions: 0, grants: 0 }, name);
        assert.match(String((await poll(device.device_code)).error), /^(?:access_denied|invalid_request)$/, name);
      }
    });

    test('C17 of two browsers that approve at once one person is taken, who pressed; no other client can poll', async () => {
      const [one, two] = [await service.addPerson(), await service.addPerson()];
      const device = await startDevice();
      await service.composed.services.manageRelyingParties.apply(
        {
          client_id: 'other-device',
          token_endpoint_auth_method: 'none',
          grant_types: [grant],
          redirect_uris: [],
          response_types: [],
        },
        'test',
        { requestId: 'test', address: '192.0.2.1', userAgent: 'test' },
      );
      const browsers = await Promise.all(
        [one, two].map(async (person) => {
          const { agent } = await signedIn(person);
          return { agent, person, xsrf: await openDevice(agent, device.user_code) };
        }),
      );
      await Promise.all(
        browsers.map(async ({ agent, xsrf }) => {
          const answer = await confirm(agent, xsrf, device.user_code);
          const location = answer.headers.get('location');
          if (location === null) return;
          const next = await agent.follow(location);
          if (next.page === 'consent') await agent.submit(next, { decision: 'allow' });
        }),
      );
      const stolen = await fetch(`${service.issuer}/token`, {
        method: 'POST',
        body: new URLSearchParams({
          client_id: 'other-device',
          grant_type: grant,
          device_code: device.device_code,
        }),
      });
      assert.equal(((await stolen.json()) as { error?: string }).error, 'invalid_grant');
      const polls = await Promise.all([1, 2, 3, 4].map(() => poll(device.device_code)));
      const won = polls.filter(({ id_token: idToken }) => idToken !== undefined);
      assert.equal(won.length, 1);
      assert.ok([one.id, two.id].includes(String(won[0] && claimsOf(won[0])['sub'])));
      const late = await openDevice(browsers[0]?.agent as UserAgent, device.user_code).catch(() => undefined);
      assert.equal(late, undefined, 'a code that was answered opens no page again');
    });

    test('C17 a page that one person opened approves nothing for the next person of the browser', async () => {
      const [first, second] = [await service.addPerson(), await service.addPerson()];
      const device = await startDevice();
      const { agent } = await signedIn(first);
      const xsrf = await openDevice(agent, device.user_code);
      const again = await halfway(service, second, { agent, parameters: { prompt: 'login' } });
      let done = await agent.submit(again.step, { code: second.code() });
      if (done.page === 'consent') done = await agent.submit(done, { decision: 'allow' });
      assert.ok(codeOf(done));
      const answer = await confirm(agent, xsrf, device.user_code);
      assert.equal(answer.headers.get('location'), null);
      assert.equal(pageOf(await answer.text()), 'device-code', 'it begins anew');
      assert.equal((await poll(device.device_code)).error, 'authorization_pending');
    });
  });

  test('a consent, an account form and a set-up form of nobody’s link change nothing', async () => {
    const [person, other] = [await service.addPerson(), await service.addPerson()];
    const first = await halfway(service, person);
    const consent = await first.agent.submit(first.step, { code: person.code() });
    assert.equal(consent.page, 'consent');
    const { agent: foreign } = await signedIn(other);
    const stolen = await foreign.submit(consent, { decision: 'allow' });
    assert.doesNotMatch(stolen.location ?? '', /code=/);
    const { agent: half } = await halfway(service, other);
    const crossed = await half.submit(consent, { decision: 'allow' });
    assert.doesNotMatch(crossed.location ?? '', /code=/);
    await assertNothingIssued(service, half.copy(), await service.addPerson());
    for (const path of ['/set-up', '/set-up/', '/set-up/none', `/set-up/${'a'.repeat(43)}`, '/set-up/x/saved']) {
      const sent = await half.post(path, { username: 'mallory', password: 'nine green elephants', code: '123456' });
      assert.ok(sent.status >= 400 && sent.status < 500, `${path} ${sent.status}`);
    }
  });
});
