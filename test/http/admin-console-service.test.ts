import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { addOperator } from '../support/admin-app.ts';
import { consolePage as page, csrfOf, signInToConsole } from '../support/console-browser.ts';
import { startService, type TestPerson, type TestService } from '../support/service.ts';
import { UserAgent } from '../support/user-agent.ts';

describe('the console, of the service itself', () => {
  let service: TestService;
  let operator: TestPerson;
  let agent: UserAgent;
  before(async () => {
    service = await startService('embedded');
    operator = await addOperator(service, 'operator');
    agent = await signInToConsole(service, operator);
  });
  after(() => service.close());
  const signedIn = (person: TestPerson) => signInToConsole(service, person);

  test('tests a sign-in for an application: it ends at the console and says what would be told', async () => {
    const tested = await signedIn(await addOperator(service, 'operator'));
    const csrf = csrfOf(await page(tested, '/admin/clients/rp'));
    const begun = await tested.post('/admin/clients/rp/test', { csrf });
    assert.equal(begun.status, 303);
    const request = begun.headers.get('location') ?? '';
    assert.match(request, /^\/auth\?client_id=rp&/);
    // The session carries over; what is new to the person is the consent.
    const first = await tested.follow(request);
    assert.equal(first.page, 'consent');
    const answered = await tested.post(first.action, { csrf: first.csrf, decision: 'allow' });
    const resumed = await tested.get(answered.headers.get('location') ?? '');
    const end = resumed.headers.get('location') ?? '';
    assert.ok(end.startsWith(`${service.issuer}/admin/clients/rp/test/`), end);
    const told = await page(tested, new URL(end).pathname + new URL(end).search);
    assert.match(told, /The sign-in succeeded/);
    assert.match(told, /urn:twofold:acr:2fa/);
    assert.match(told, /\[&quot;pwd&quot;,&quot;otp&quot;,&quot;mfa&quot;\]/);
    const again = await page(tested, new URL(end).pathname + new URL(end).search);
    assert.match(again, /ended without success/, 'its code served once');

    // The address is this client's alone, ends, and cannot be made up.
    const address = new URLSearchParams(request.split('?')[1]).get('redirect_uri') ?? '';
    const others = {
      another: address.replace('/clients/rp/', '/clients/twofold-account/'),
      longer: `${address}x`,
      later: address.replace(/\/test\/\d+/, '/test/9999999999'),
    };
    for (const [name, redirect] of Object.entries(others)) {
      const refused = await new UserAgent(service.issuer).begin({ redirect_uri: redirect });
      assert.deepEqual([refused.status, refused.location ?? ''], [400, ''], name);
    }
    assert.equal((await tested.get('/admin/clients/rp/test/none')).status, 404);
    const cancelled = await tested.follow(
      (await tested.post('/admin/clients/rp/test', { csrf, anew: 'yes' })).headers.get('location') ?? '',
    );
    assert.equal(cancelled.page, 'password', 'both factors anew');
  });

  test('shows the health of every part, and what to do', async () => {
    const shown = await page(agent, '/admin/health');
    for (const part of ['Database', 'Migrations', 'Clock', 'Encryption keys', 'Signing keys', 'Mail', 'Own address']) {
      assert.ok(shown.includes(part), part);
    }
    assert.match(shown, /<span lang="en" dir="ltr">1 key, \d+ sealed values? looked at, all open</);
    assert.match(await page(agent, `/admin/users/${operator.id}`), /<span class="tag">Operator<\/span>/);
    const desk = await signedIn(await addOperator(service, 'help-desk'));
    assert.equal((await desk.get('/admin/health')).status, 403);
  });

  test('K16 publishes successors of the signing keys, and revokes one for a reason', async () => {
    const { manageSigningKeys } = service.composed.services;
    const csrf = csrfOf(await page(agent, '/admin/keys'));
    assert.equal((await agent.post('/admin/keys/rotate', { csrf })).status, 303);
    assert.match(await page(agent, '/admin/keys'), /Published: <time[\s\S]*Began to sign: <time/);
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
