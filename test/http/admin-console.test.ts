import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { addOperator } from '../support/admin-app.ts';
import { startService, type TestPerson, type TestService } from '../support/service.ts';
import { UserAgent } from '../support/user-agent.ts';

describe('the console', () => {
  let service: TestService;
  let operator: TestPerson;
  let agent: UserAgent;
  before(async () => {
    service = await startService('embedded');
    operator = await addOperator(service, 'operator');
    agent = await signedIn(operator);
  });
  after(() => service.close());

  async function signedIn(person: TestPerson): Promise<UserAgent> {
    const browser = new UserAgent(service.issuer);
    const start = await browser.get('/admin');
    let step = await browser.follow(start.headers.get('location') ?? '');
    step = await browser.submitPassword(step, person);
    step = await browser.submit(step, { code: person.code() });
    return browser;
  }

  async function page(browser: UserAgent, path: string): Promise<string> {
    const response = await browser.get(path);
    assert.equal(response.status, 200, path);
    return response.text();
  }

  const csrfOf = (text: string): string => /name="csrf" value="([^"]+)"/.exec(text)?.[1] ?? '';

  test('K01 opens to nobody without a session of two factors, nor to people without a role', async () => {
    const stranger = new UserAgent(service.issuer);
    for (const path of [
      '/admin',
      '/admin/users',
      '/admin/audit',
      '/admin/audit/export',
      `/admin/users/${operator.id}`,
    ]) {
      const answer = await stranger.get(path);
      assert.equal(answer.status, 303, path);
      assert.match(answer.headers.get('location') ?? '', /^\/auth\?client_id=twofold-console/);
    }
    const half = new UserAgent(service.issuer);
    await half.submitPassword(await half.begin(), await addOperator(service, 'operator'));
    assert.equal((await half.get('/admin/users')).status, 303);
    const plain = await signedIn(await service.addPerson());
    assert.equal((await plain.get('/admin/users')).status, 403);
  });

  test('finds a person, and resets the second factor after a confirmation that names them', async () => {
    const person = await service.addPerson();
    const list = await page(agent, `/admin/users?query=${person.username}`);
    assert.ok(list.includes(`/admin/users/${person.id}"`));
    assert.match(await page(agent, `/admin/users/${person.id}`), /\/reset"/);
    const confirm = await page(agent, `/admin/users/${person.id}/reset`);
    assert.ok(confirm.includes(person.username));
    const csrf = csrfOf(confirm);
    const idle = await agent.post(`/admin/users/${person.id}/reset`, { csrf, reason: '' });
    assert.equal(idle.status, 422);
    const done = await agent.post(`/admin/users/${person.id}/reset`, { csrf, reason: 'Lost the phone' });
    assert.equal(done.status, 200);
    const link = /<code id="value"[^>]*>([^<]+)</.exec(await done.text())?.[1] ?? '';
    assert.match(link, /\/set-up\/[\w-]{40,}$/);
    assert.equal((await service.composed.services.status(person.id)).enabled, false);
  });

  test('keeps the reason of every act in the record', async () => {
    const person = await service.addPerson();
    for (const act of ['password-reset', 'end-sessions']) {
      const csrf = csrfOf(await page(agent, `/admin/users/${person.id}/${act}`));
      const done = await agent.post(`/admin/users/${person.id}/${act}`, { csrf, reason: `why ${act}` });
      assert.ok(done.status === 200 || done.status === 303, act);
      assert.match(await page(agent, `/admin/audit?person=${person.id}`), new RegExp(`why ${act}`));
    }
  });

  test('K05 K21 the rules of the API hold here too, and say why', async () => {
    const own = await page(agent, `/admin/users/${operator.id}/reset`);
    const refused = await agent.post(`/admin/users/${operator.id}/reset`, { csrf: csrfOf(own), reason: 'for a test' });
    assert.equal(refused.status, 422);
    assert.match(await refused.text(), /Another operator has to do this for you/);
    const desk = await signedIn(await addOperator(service, 'help-desk'));
    const shown = await page(desk, `/admin/users/${operator.id}`);
    assert.doesNotMatch(shown, /\/disable"/);
    assert.equal((await desk.get('/admin/clients')).status, 403);
    assert.equal((await desk.get('/admin/audit')).status, 403);
    const forged = await agent.post(`/admin/users/${operator.id}/disable`, { csrf: 'x', reason: 'for a test' });
    assert.equal(forged.status, 403);
  });

  test('shows applications, makes a secret once, and leads from a reference to what happened', async () => {
    assert.match(await page(agent, '/admin/clients'), /Test client/);
    const client = await page(agent, '/admin/clients/rp');
    const made = await agent.post('/admin/clients/rp/secrets', { csrf: csrfOf(client) });
    assert.equal(made.status, 200);
    const trace = made.headers.get('x-request-id') ?? '';
    const secret = /<code id="value"[^>]*>([^<]+)</.exec(await made.text())?.[1] ?? '';
    assert.ok(secret.length > 40);
    assert.doesNotMatch(await page(agent, '/admin/clients/rp'), new RegExp(secret));
    assert.match(await page(agent, `/admin/audit?request_id=${trace}`), /relying-party\.secret-added/);
    const exported = await page(agent, `/admin/audit/export?request_id=${trace}`);
    assert.equal(exported.trim().split('\n').length, 1);
    const report = await page(agent, `/admin/report?user=${operator.username}&client_id=rp`);
    assert.match(report, />one-time-code</);
  });

  test('adds an application with a secret shown once, and says what is wrong in the words of the rule', async () => {
    const csrf = csrfOf(await page(agent, '/admin/clients/new'));
    const form = { csrf, name: 'New one', kind: 'server', redirect_uris: 'http://new.example/callback' };
    const refused = await agent.post('/admin/clients', form);
    assert.equal(refused.status, 422);
    assert.match(await refused.text(), /use https/);
    const made = await agent.post('/admin/clients', { ...form, redirect_uris: 'https://new.example/callback' });
    assert.equal(made.status, 200);
    const text = await made.text();
    const secret = /<code id="value"[^>]*>([^<]+)</.exec(text)?.[1] ?? '';
    assert.ok(secret.length > 40);
    assert.match(await page(agent, '/admin/clients'), /New one/);
  });

  test('K16 publishes successors of the signing keys, and revokes one for a reason', async () => {
    const { manageSigningKeys } = service.composed.services;
    const csrf = csrfOf(await page(agent, '/admin/keys'));
    assert.equal((await agent.post('/admin/keys/rotate', { csrf })).status, 303);
    const waiting = (await manageSigningKeys.list()).find(({ state }) => state === 'published');
    assert.ok(waiting);
    assert.equal((await agent.post(`/admin/keys/${waiting.kid}/revoke`, { csrf, reason: '' })).status, 422);
    assert.equal((await agent.post(`/admin/keys/${waiting.kid}/revoke`, { csrf, reason: 'for a test' })).status, 303);
    assert.equal((await manageSigningKeys.list()).find(({ kid }) => kid === waiting.kid)?.state, 'revoked');
    assert.match(await page(agent, '/admin/keys'), /Revoked/);
    const desk = await signedIn(await addOperator(service, 'help-desk'));
    assert.equal((await desk.get('/admin/keys')).status, 403);
  });
});
