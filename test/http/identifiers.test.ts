import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { newToken } from '../../src/crypto/random.ts';
import { addProtocolClient, pkce, type ProtocolClient } from '../support/protocol-client.ts';
import { readSources, withoutComments } from '../support/source-tree.ts';
import { startService, testClient, type TestService } from '../support/service.ts';
import { codeOf, UserAgent } from '../support/user-agent.ts';

describe('identifiers, proxies and what lies outside', () => {
  let service: TestService;
  let web: ProtocolClient;
  before(async () => {
    // Nobody is trusted: this machine is a stranger like any other.
    service = await startService('embedded', { environment: { TRUSTED_PROXIES: '192.0.2.9' } });
    web = await addProtocolClient(service, { first_party: true, logo_uri: 'https://tracker.example/logo.png' });
  });
  after(() => service.close());

  const authPath = (more: Record<string, string> = {}): string =>
    `/auth?${new URLSearchParams({
      client_id: testClient.id,
      redirect_uri: testClient.redirectUri,
      response_type: 'code',
      scope: 'openid',
      ...pkce().parameters,
      ...more,
    }).toString()}`;

  test('F03 no identifier can be guessed from another: 128 bits at least, none twice, no order, no common beginning', async () => {
    const kinds: Record<string, string[]> = { tokens: Array.from({ length: 10_000 }, () => newToken()) };
    const interactions: string[] = [];
    const sessions: string[] = [];
    for (let made = 0; made < 60; made += 1) {
      const agent = new UserAgent(service.issuer);
      const answer = await agent.get(authPath());
      interactions.push(/\/interaction\/([\w-]+)/.exec(answer.headers.get('location') ?? '')?.[1] ?? '');
      for (const [name, { value }] of agent.cookies)
        if (/session/.test(name) && !/sig/.test(name)) sessions.push(value);
    }
    const pushed: string[] = [];
    for (let made = 0; made < 40; made += 1) {
      const { body } = await web.post('/par', {
        response_type: 'code',
        scope: 'openid',
        redirect_uri: web.redirectUri,
        ...pkce().parameters,
      });
      pushed.push(String(body['request_uri']).split(':').at(-1) ?? '');
    }
    const codes: string[] = [];
    const person = await service.addPerson();
    const agent = new UserAgent(service.issuer);
    await agent.signIn(person);
    for (let made = 0; made < 40; made += 1) codes.push(codeOf(await agent.begin({ prompt: 'none' })));
    Object.assign(kinds, { interactions, pushed, codes, ...(sessions.length > 0 && { sessions }) });
    for (const [kind, ids] of Object.entries(kinds)) {
      assert.equal(new Set(ids).size, ids.length, kind);
      // 64 signs a place: 22 of them are 132 bits.
      assert.ok(
        ids.every((id) => id.length >= 21),
        `${kind} ${ids[0]}`,
      );
      assert.notDeepEqual(ids, ids.toSorted(), `${kind} come in order`);
      const first = new Set(ids.map((id) => id.slice(0, 2)));
      assert.ok(first.size > Math.min(20, ids.length / 3), `${kind} begin alike`);
    }
  });

  test('J03 forwarded headers of somebody who is no proxy of ours are not believed', async () => {
    const seen = async (headers: Record<string, string>): Promise<string> =>
      (await fetch(`${service.issuer}/what-we-see`, { headers: { accept: 'text/html', ...headers } })).text();
    for (const headers of [
      { 'x-forwarded-for': '203.0.113.99' },
      { forwarded: 'for=203.0.113.99;host=evil.example;proto=https' },
      { 'x-forwarded-for': '192.0.2.9, 203.0.113.99' },
      { 'x-forwarded-host': 'evil.example', 'x-forwarded-proto': 'https', 'x-forwarded-prefix': '/evil' },
      { 'x-real-ip': '203.0.113.99', 'cf-connecting-ip': '203.0.113.99', 'true-client-ip': '203.0.113.99' },
    ] as Record<string, string>[]) {
      const text = await seen(headers);
      assert.doesNotMatch(text, /203\.0\.113\.99|evil/, JSON.stringify(headers));
      assert.match(text, /127\.0\.0\.1|::1/);
    }
  });

  test('J08 a client’s logo elsewhere is neither fetched nor loaded, and its links tell nothing of where they were', async () => {
    const agent = new UserAgent(service.issuer);
    const step = await agent.begin({ client_id: web.id, redirect_uri: web.redirectUri, ...pkce().parameters });
    const answer = await agent.get(step.action.replace(/\/password$/, ''));
    assert.doesNotMatch(await answer.text(), /tracker\.example/);
    assert.match(answer.headers.get('content-security-policy') ?? '', /img-src 'self' data:;/);
    assert.equal(answer.headers.get('referrer-policy'), 'no-referrer');
  });

  test('J10 metadata and keys are the same whatever headers ask for them, and say how long they may be kept', async () => {
    for (const path of ['/.well-known/openid-configuration', '/jwks']) {
      const plain = await fetch(`${service.issuer}${path}`);
      const body = await plain.text();
      assert.match(plain.headers.get('cache-control') ?? '', /^public, max-age=300$/);
      for (const headers of [
        { 'x-forwarded-host': 'evil.example', 'x-forwarded-proto': 'http' },
        { forwarded: 'host=evil.example' },
        { 'x-original-url': '/admin', 'x-rewrite-url': '/admin' },
        { origin: 'https://evil.example' },
        { 'accept-language': 'de', cookie: 'twofold-language=de' },
      ] as Record<string, string>[]) {
        assert.equal(
          await (await fetch(`${service.issuer}${path}`, { headers })).text(),
          body,
          JSON.stringify(headers),
        );
      }
    }
  });

  test('J09 the service opens connections to its stores, its mail server and what clients named, and to nothing else', () => {
    const faults = readSources('src')
      .filter(({ path }) => !/^src\/(?:notifications|storage)\//.test(path))
      .filter(
        ({ text }) =>
          /\bfrom 'node:(?:https?|net|tls|dgram)'/.test(text) &&
          /\b(?:request|connect|get)\(/.test(withoutComments(text)),
      )
      .filter(({ text }) =>
        /import \{[^}]*\b(?:request|connect|createConnection)\b[^}]*\} from 'node:(?:https?|net|tls)'/.test(text),
      )
      .map(({ path }) => path);
    // The command line speaks to the running service over its socket.
    assert.deepEqual(
      faults.filter((path) => path !== 'src/cli/control-socket.ts'),
      [],
    );
    const callsHome = readSources('src').filter(({ text }) =>
      /https:\/\/(?!id\.example|login\.example)[\w.-]+\.(?:com|io|dev|net)\//.test(withoutComments(text)),
    );
    assert.deepEqual(
      callsHome.map(({ path }) => path),
      [],
    );
  });

  test('a whole number in a request is written in digits, and a request too long for an address is told where to go', async () => {
    const agent = new UserAgent(service.issuer);
    for (const odd of ['1e3', '0x10', '+5', '-1', ' 5', '1.5', '5s']) {
      const answer = await agent.get(authPath({ max_age: odd }));
      assert.match(answer.headers.get('location') ?? '', /error=invalid_request/, odd);
    }
    assert.match((await agent.get(authPath({ max_age: '5' }))).headers.get('location') ?? '', /\/interaction\//);
    const long = await agent.post('/auth', { client_id: testClient.id, state: 'x'.repeat(13_000) });
    assert.equal(long.status, 413);
    assert.equal(long.headers.get('location'), null);
  });
});
