import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { ConformanceParty } from '../support/conformance-party.ts';
import { startConformanceService } from '../support/conformance-service.ts';
import type { TestService } from '../support/service.ts';
import { newBrowserOf } from '../support/sign-in.ts';
import type { UserAgent } from '../support/user-agent.ts';

const afterwards = 'https://rp.example/signed-out';
const plan = 'oidcc-rp-initiated-logout-certification-test-plan';

describe(plan, () => {
  let service: TestService;
  let party: ConformanceParty;
  before(async () => {
    service = await startConformanceService();
    party = await ConformanceParty.register(service, { metadata: { post_logout_redirect_uris: [afterwards] } });
  });
  after(() => service?.close());

  async function signIn() {
    const agent = newBrowserOf(service);
    const { idToken } = await party.tokensOf(await party.authorize(agent, await service.addPerson()));
    return { agent, idToken };
  }

  const open = (agent: UserAgent, parameters: Record<string, string>) =>
    agent.get(`/logout?${new URLSearchParams(parameters).toString()}`);

  /** Answers the question whether to sign out; where that leads. */
  async function confirm(agent: UserAgent, question: Response, decision: Record<string, string> = { logout: 'yes' }) {
    const page = await question.text();
    assert.equal(question.status, 200, page);
    assert.match(page, /data-page="logout"/, 'the person is asked');
    const xsrf = /name="xsrf" value="([^"]+)"/.exec(page)?.[1] ?? '';
    const answer = await agent.post('/logout/confirm', { xsrf, ...decision });
    assert.equal(answer.status, 303);
    return new URL(answer.headers.get('location') ?? '', service.issuer);
  }

  /** A page of ours tells that it is done; nothing leads away. */
  async function assertStays(agent: UserAgent, location: URL): Promise<void> {
    assert.equal(location.origin, service.issuer);
    const page = await (await agent.get(location.pathname + location.search)).text();
    assert.match(page, /data-page="logged-out"/);
    assert.doesNotMatch(page, /rp\.example/);
  }

  async function assertSignedIn(agent: UserAgent, expected: boolean): Promise<void> {
    const request = party.request({ prompt: 'none' });
    const parameters = party.readAnswer(await party.open(agent, request), request.get('state'));
    if (expected) assert.ok(parameters.get('code'));
    else assert.equal(parameters.get('error'), 'login_required');
  }

  /** An error on a page of ours: no redirect, and still signed in. */
  async function assertRefused(agent: UserAgent, response: Response): Promise<void> {
    assert.equal(response.status, 400);
    assert.equal(response.headers.get('location'), null);
    const page = await response.text();
    assert.match(page, /data-page="error"/);
    assert.doesNotMatch(page, /name="xsrf"/);
    await assertSignedIn(agent, true);
  }

  test('oidcc-rp-initiated-logout-discovery-endpoint-verification', async () => {
    const response = await fetch(`${service.issuer}/.well-known/openid-configuration`);
    const metadata = (await response.json()) as Record<string, unknown>;
    assert.equal(metadata['issuer'], service.issuer);
    assert.equal(metadata['end_session_endpoint'], `${service.issuer}/logout`);
  });

  test('oidcc-rp-initiated-logout', async () => {
    const { agent, idToken } = await signIn();
    const parameters = { id_token_hint: idToken, post_logout_redirect_uri: afterwards, state: 's-&+=/%' };
    const location = await confirm(agent, await open(agent, parameters));
    assert.equal(location.origin + location.pathname, afterwards);
    assert.deepEqual([...location.searchParams], [['state', 's-&+=/%']]);
    await assertSignedIn(agent, false);
  });

  test('oidcc-rp-initiated-logout by POST, which a 303 leads on to its GET form', async () => {
    const { agent, idToken } = await signIn();
    const body = new URLSearchParams({ id_token_hint: idToken, post_logout_redirect_uri: afterwards, state: 'x' });
    const answer = await agent.request('/logout', { method: 'POST', body });
    assert.equal(answer.status, 303);
    const location = await confirm(agent, await agent.get(answer.headers.get('location') ?? ''));
    assert.equal(location.href, `${afterwards}?state=x`);
    await assertSignedIn(agent, false);
  });

  test('oidcc-rp-initiated-logout-bad-post-logout-redirect-uri', async () => {
    const { agent, idToken } = await signIn();
    const elsewhere = 'https://rp.example/not-registered';
    await assertRefused(agent, await open(agent, { id_token_hint: idToken, post_logout_redirect_uri: elsewhere }));
  });

  test('oidcc-rp-initiated-logout-query-added-to-post-logout-redirect-uri', async () => {
    const { agent, idToken } = await signIn();
    const extended = `${afterwards}?foo=bar`;
    await assertRefused(agent, await open(agent, { id_token_hint: idToken, post_logout_redirect_uri: extended }));
  });

  test('oidcc-rp-initiated-logout-modified-id-token-hint', async () => {
    const { agent, idToken } = await signIn();
    const [header = '', payload = '', signature = ''] = idToken.split('.');
    const claims = JSON.parse(Buffer.from(payload, 'base64url').toString('utf8')) as Record<string, unknown>;
    const other = Buffer.from(JSON.stringify({ ...claims, sub: 'somebody-else' })).toString('base64url');
    const hint = [header, other, signature].join('.');
    await assertRefused(agent, await open(agent, { id_token_hint: hint, post_logout_redirect_uri: afterwards }));
  });

  test('oidcc-rp-initiated-logout-bad-id-token-hint', async () => {
    const { agent } = await signIn();
    const hint = 'this is no token';
    await assertRefused(agent, await open(agent, { id_token_hint: hint, post_logout_redirect_uri: afterwards }));
  });

  // Without a hint nobody is known to have registered the address: it is not led to.
  test('oidcc-rp-initiated-logout-no-id-token-hint', async () => {
    const { agent } = await signIn();
    const location = await confirm(agent, await open(agent, { post_logout_redirect_uri: afterwards, state: 'x' }));
    await assertStays(agent, location);
    await assertSignedIn(agent, false);
  });

  test('oidcc-rp-initiated-logout-no-params', async () => {
    const { agent } = await signIn();
    await assertStays(agent, await confirm(agent, await open(agent, {})));
    await assertSignedIn(agent, false);
  });

  test('oidcc-rp-initiated-logout-only-state', async () => {
    const { agent } = await signIn();
    await assertStays(agent, await confirm(agent, await open(agent, { state: 'only' })));
    await assertSignedIn(agent, false);
  });

  test('oidcc-rp-initiated-logout-no-post-logout-redirect-uri', async () => {
    const { agent, idToken } = await signIn();
    await assertStays(agent, await confirm(agent, await open(agent, { id_token_hint: idToken, state: 'x' })));
    await assertSignedIn(agent, false);
  });

  test('oidcc-rp-initiated-logout-no-state', async () => {
    const { agent, idToken } = await signIn();
    const parameters = { id_token_hint: idToken, post_logout_redirect_uri: afterwards };
    assert.equal((await confirm(agent, await open(agent, parameters))).href, afterwards, 'no state is made up');
    await assertSignedIn(agent, false);
  });
});
