import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { startService, testClient, type TestPerson, type TestService } from '../support/service.ts';
import { halfway, newBrowserOf } from '../support/sign-in.ts';
import { pkce } from '../support/protocol-client.ts';

const basic = `Basic ${Buffer.from([testClient.id, testClient.secret].map(encodeURIComponent).join(':')).toString('base64')}`;
const form = 'application/x-www-form-urlencoded';
/** What tells of our insides: stacks, files, SQL, drivers, versions. */
const insides =
  /\bat \S+ \(|node_modules|\.[jt]s:\d+|\/src\/|\bselect .+ from\b|insert into|syntax error|\b(?:postgres\w*|pglite|ioredis|koa|kysely|oidc-provider)\b|\bNode\.js|node:internal/i;

describe('hostile requests', () => {
  let service: TestService;
  let person: TestPerson;
  before(async () => {
    service = await startService('embedded');
    person = await service.addPerson();
  });
  after(() => service.close());

  /** Sends a request and holds its answer against what holds for every one (I7, G03). */
  async function send(
    path: string,
    init: RequestInit = {},
  ): Promise<{ status: number; text: string; headers: Headers }> {
    const response = await fetch(service.issuer + path, { redirect: 'manual', ...init });
    const text = await response.text();
    const told = `${init.method ?? 'GET'} ${path.slice(0, 120)} ${response.status}`;
    assert.ok(response.status < 500 || response.status === 503, `${told} ${text.slice(0, 200)}`);
    if (!path.startsWith('/assets/')) assert.doesNotMatch(text, insides, told);
    const { headers } = response;
    assert.equal(headers.get('x-content-type-options'), 'nosniff', told);
    assert.equal(headers.get('referrer-policy'), 'no-referrer', told);
    assert.equal(headers.get('cross-origin-opener-policy'), 'same-origin', told);
    assert.equal(headers.get('x-frame-options'), 'DENY', told);
    assert.equal(headers.get('server') ?? headers.get('x-powered-by'), null, told);
    const policy = headers.get('content-security-policy') ?? '';
    assert.match(policy, /default-src 'none'/, told);
    assert.match(policy, /frame-ancestors 'none'/, told);
    assert.match(policy, /base-uri 'none'/, told);
    assert.doesNotMatch(policy, /unsafe|\*(?!:)/, told);
    assert.notEqual(headers.get('cache-control'), null, told);
    const type = headers.get('content-type');
    if (type?.startsWith('text/') === true) assert.match(type, /charset=utf-8/i, told);
    return { status: response.status, text, headers };
  }

  const request = (more: readonly (readonly [string, string])[] = [], without: readonly string[] = []): string => {
    const fields = Object.entries({
      client_id: testClient.id,
      redirect_uri: testClient.redirectUri,
      response_type: 'code',
      scope: 'openid',
      state: 's',
      ...pkce().parameters,
    }).filter(([name]) => !without.includes(name));
    return new URLSearchParams(
      [...fields, ...more].map(([name, value]) => [name, value] as [string, string]),
    ).toString();
  };

  test('E11 a missing or doubled parameter is refused, never the first or the last of two taken', async () => {
    for (const name of ['client_id', 'redirect_uri']) {
      const { status, headers } = await send(`/auth?${request([], [name])}`);
      assert.deepEqual([status, headers.get('location')], [400, null], name);
    }
    for (const name of ['response_type', 'code_challenge']) {
      const { headers } = await send(`/auth?${request([], [name])}`);
      assert.match(headers.get('location') ?? '', /^https:\/\/rp\.example\/callback\?error=/, name);
    }
    const doubled: Record<string, string> = {
      client_id: testClient.id,
      redirect_uri: testClient.redirectUri,
      scope: 'openid',
      response_type: 'code',
      state: 'other',
      code_challenge: 'a'.repeat(43),
      prompt: 'none',
      max_age: '1',
      acr_values: 'urn:twofold:acr:1fa',
    };
    for (const [name, value] of Object.entries(doubled)) {
      const pairs: [string, string][] = ['prompt', 'max_age', 'acr_values'].includes(name)
        ? [
            [name, value],
            [name, value],
          ]
        : [[name, value]];
      const asked = await send(`/auth?${request(pairs)}`);
      const location = asked.headers.get('location') ?? '';
      assert.ok(asked.status === 400 || location.includes('error=invalid_request'), `${name} ${location}`);
      assert.doesNotMatch(location, /\/interaction\//, name);
      const posted = await send('/auth', {
        method: 'POST',
        body: request(pairs),
        headers: { 'content-type': form },
      });
      assert.equal(posted.status, 400, `posted ${name}`);
    }
    for (const body of [
      'grant_type=authorization_code&grant_type=refresh_token&code=x',
      'grant_type=authorization_code&code=x&code=y',
      'grant_type=refresh_token&refresh_token=x&refresh_token=x',
      'grant_type=authorization_code',
      'grant_type=',
      'code=x',
      '',
      'grant_type=client_credentials&scope=a&scope=b',
      'grant_type[]=authorization_code&code[]=x',
      `client_id=${testClient.id}&client_id=other&grant_type=authorization_code&code=x`,
    ]) {
      const { status } = await send('/token', {
        method: 'POST',
        body,
        headers: { 'content-type': form, authorization: basic },
      });
      assert.ok(status === 400 || status === 401, `${body} ${status}`);
    }
  });

  test('G03 G04 I7 whatever is asked, the answer has the headers, tells nothing of our insides and is not kept', async () => {
    const paths = [
      '/', '/auth', '/token', '/me', '/par', '/introspect', '/revoke', '/device', '/device/auth', '/logout', '/register',
      '/backchannel', '/interaction/none', '/interaction/none/password', '/account', '/account/password', '/account/x',
      '/account/api/v1/second-factor', '/account/api/v1/none', '/admin', '/admin/api/v1/users', '/admin/api/v1/x',
      '/set-up/none', '/forgot-password', '/healthz', '/readyz', '/metrics', '/what-we-see', '/csp-reports', '/assets/x',
      '/none', '/%', '/%00', '/%ff', '/..%2f', '/auth/none', '/device/none', '/AUTH', '//evil.example', '/\\evil.example',
    ]; // prettier-ignore
    for (const path of paths) {
      for (const method of ['GET', 'POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS']) {
        const answer = await send(path, { method, headers: { accept: 'text/html', 'content-type': form } });
        const isPublic = /^\/(?:assets|healthz|readyz)/.test(path);
        if (!isPublic) assert.match(answer.headers.get('cache-control') ?? '', /no-store/, `${method} ${path}`);
        assert.doesNotMatch(answer.headers.get('location') ?? '', /evil/, path);
      }
    }
  });

  test('G01 every page has a policy under which nothing inline runs and forms go where they must', async () => {
    const { agent, step } = await halfway(service, person);
    for (const path of [
      step.action.replace(/\/[^/]+$/, ''),
      '/device',
      '/logout',
      '/none',
      '/forgot-password',
      '/what-we-see',
    ]) {
      const page = await agent.get(path);
      const html = await page.text();
      assert.match(page.headers.get('content-type') ?? '', /text\/html/, path);
      const policy = page.headers.get('content-security-policy') ?? '';
      assert.match(policy, /default-src 'none'/, path);
      assert.match(policy, /frame-ancestors 'none'/, path);
      assert.doesNotMatch(html, /\son\w+=|style=|javascript:/i, path);
      if (path === '/logout') {
        // The engine's own page, for who is signed out already: its one script runs by its hash.
        assert.match(policy, /script-src 'sha256-/, path);
        assert.doesNotMatch(policy, /sandbox|form-action 'none'/, path);
        continue;
      }
      assert.match(policy, /script-src 'self';/, path);
      assert.match(policy, /object-src 'none'/, path);
      assert.match(policy, /form-action 'self'/, path);
      assert.match(policy, /report-uri \/csp-reports/, path);
      assert.doesNotMatch(html, /<script(?![^>]* src=)/i, path);
    }
  });

  test('G13 a name that looks like a file shows nobody’s page to a cache', async () => {
    const agent = newBrowserOf(service);
    await agent.signIn(await service.addPerson());
    for (const path of [
      '/account/x.css',
      '/account.css',
      '/account;.png',
      '/account%0a.css',
      '/account/%2e%2e/x.js',
      '/account/password/x.png',
      '/account/api/v1/second-factor.css',
      '/account//x.css',
      '/account%3b.css',
    ]) {
      const answer = await agent.get(path);
      assert.ok([404, 400, 401].includes(answer.status), `${path} ${answer.status}`);
      assert.match(answer.headers.get('cache-control') ?? '', /no-store/, path);
    }
  });

  test('H07 H08 large, deep, packed and many-fielded bodies are refused', async () => {
    const huge = 'a'.repeat(1_000_000);
    const many = Array.from({ length: 10_000 }, (_, n) => `f${n}=1`).join('&');
    const deep = '['.repeat(20_000) + ']'.repeat(20_000);
    const { step } = await halfway(service, person);
    for (const path of [
      '/token',
      '/par',
      '/introspect',
      '/revoke',
      '/device/auth',
      '/auth',
      '/logout',
      '/device',
      step.action,
      '/forgot-password',
      '/csp-reports',
    ]) {
      for (const [type, body] of [
        [form, `grant_type=${huge}`],
        [form, many],
        ['application/json', `{"a":${deep}}`],
        ['multipart/form-data; boundary=x', '--x\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n--x--'],
      ] as const) {
        const { status } = await send(path, {
          method: 'POST',
          body,
          headers: { 'content-type': type, authorization: basic },
        }).catch((error: unknown) => {
          if (error instanceof assert.AssertionError) throw error;
          return { status: 413 }; // the connection was cut while we were still sending
        });
        // The page for a device's code is drawn again; a report is thrown away.
        if (path !== '/csp-reports' && path !== '/device')
          assert.ok(status >= 400, `${path} ${type} ${body.length} ${status}`);
      }
      const packed = await send(path, {
        method: 'POST',
        body: 'a=b',
        headers: { 'content-type': form, 'content-encoding': 'gzip' },
      });
      assert.ok(packed.status >= 400, `${path} packed`);
    }
    await send(`/auth?${'x'.repeat(15_000)}`);
  });

  test('H17 numbers at the edge are refused or cut, and never reach the stores', async () => {
    for (const value of ['-1', '1e309', 'NaN', '9223372036854775808', '1.5', '٣', '', '-0', 'Infinity']) {
      const { status, headers } = await send(`/auth?${request([['max_age', value]])}`);
      assert.ok([303, 302, 400].includes(status), `${value} ${status}`);
      const location = headers.get('location') ?? '';
      if (!['', '9223372036854775808', '-0'].includes(value) && location.includes('/interaction/')) {
        assert.fail(`max_age=${value} was taken`);
      }
    }
    for (const value of ['99999', 'x', '\u0000', 'a\r\nSet-Cookie: x=y', '%', '../../etc/passwd', 'é'.repeat(3000)]) {
      for (const name of [
        'ui_locales',
        'claims_locales',
        'login_hint',
        'nonce',
        'state',
        'display',
        'claims',
        'id_token_hint',
        'request',
        'request_uri',
        'resource',
        'dpop_jkt',
        'acr_values',
        'scope',
        'registration',
        'response_mode',
      ]) {
        const { headers } = await send(`/auth?${request([[name, value]], [name])}`);
        assert.equal(headers.get('set-cookie')?.includes('x=y') ?? false, false);
      }
    }
  });

  test('H18 odd methods and ambiguous requests are refused, and no second request hides in a first', async () => {
    const raw = (text: string): Promise<string> =>
      new Promise((resolve, reject) => {
        const { port } = new URL(service.issuer);
        let answer = '';
        const socket = connect(Number(port), 'localhost', () => socket.write(text));
        socket.setTimeout(1500, () => socket.destroy());
        socket.on('data', (chunk: Buffer) => (answer += chunk.toString('latin1')));
        socket.on('error', reject);
        socket.on('close', () => resolve(answer));
      });
    const head = 'Host: localhost\r\nConnection: close\r\n';
    const statusesOf = (answer: string): string[] =>
      [...answer.matchAll(/^HTTP\/1\.1 (\d+)/gm)].map(([, status = '']) => status);
    for (const [name, text] of Object.entries({
      trace: `TRACE / HTTP/1.1\r\n${head}\r\n`,
      connect: `CONNECT evil.example:443 HTTP/1.1\r\n${head}\r\n`,
      unknown: `BREW /auth HTTP/1.1\r\n${head}\r\n`,
      propfind: `PROPFIND /account HTTP/1.1\r\n${head}\r\n`,
      both: `POST /token HTTP/1.1\r\n${head}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /healthz HTTP/1.1\r\n${head}\r\n`,
      twoLengths: `POST /token HTTP/1.1\r\n${head}Content-Length: 5\r\nContent-Length: 6\r\n\r\nabcdef`,
      folded: `GET /none HTTP/1.1\r\n${head}X-A: b\r\n c\r\n\r\n`,
      lineFeeds: `GET /none HTTP/1.1\nHost: localhost\n\n`,
      nul: `GET /none HTTP/1.1\r\n${head}X-A: \u0000\r\n\r\n`,
      noHttp: `hello\r\n\r\n`,
    })) {
      const answer = await raw(text);
      const statuses = statusesOf(answer);
      assert.ok(statuses.length <= 1, `${name} ${statuses.join(' ')}`);
      assert.ok(
        statuses.every((status) => status.startsWith('4')),
        `${name} ${statuses.join(' ')}`,
      );
      assert.doesNotMatch(answer, insides, name);
    }
    const overridden = await send('/healthz', { headers: { 'x-http-method-override': 'DELETE' } });
    assert.equal(overridden.status, 200);
  });

  test('H19 a form is a form: other types and alphabets are refused', async () => {
    const { step } = await halfway(service, person);
    for (const path of [
      '/token',
      '/par',
      '/introspect',
      '/revoke',
      '/device/auth',
      '/auth',
      step.action,
      '/forgot-password',
    ]) {
      for (const type of [
        'application/xml',
        'text/plain',
        `${form}; charset=utf-7`,
        `${form}; charset=utf-16`,
        'text/html',
        '',
      ]) {
        const body = new TextEncoder().encode('grant_type=client_credentials');
        const { status } = await send(path, {
          method: 'POST',
          body,
          headers: { authorization: basic, ...(type === '' ? {} : { 'content-type': type }) },
        });
        assert.ok(status >= 400 && status < 500, `${path} ${type} ${status}`);
      }
    }
  });

  test('H11 H14 what looks like SQL, a pattern or a key of the stores finds nothing', async () => {
    for (const value of [
      "' OR 1=1 --",
      "admin'/*",
      '$(id)',
      '*',
      '?',
      'a:b',
      '{x}',
      '\n',
      '__proto__',
      'constructor',
      '%',
      '_',
      "\\'",
      ';DROP TABLE users',
      '\u0000',
    ]) {
      const agent = newBrowserOf(service);
      const first = await agent.begin();
      const answer = await agent.submit(first, { login: value, password: value });
      assert.ok([200, 400, 401, 422, 429].includes(answer.status), `${JSON.stringify(value)} ${answer.status}`);
      assert.ok(['password', 'error'].includes(answer.page), `${JSON.stringify(value)} ${answer.page}`);
      const asked = await send(`/auth?${request([['client_id', value]], ['client_id'])}`);
      assert.equal(asked.status, 400, value);
      for (const [path, name] of [
        ['/token', 'code'],
        ['/token', 'refresh_token'],
        ['/token', 'device_code'],
        ['/introspect', 'token'],
        ['/revoke', 'token'],
      ] as const) {
        const grant_type = {
          code: 'authorization_code',
          refresh_token: 'refresh_token',
          device_code: 'urn:ietf:params:oauth:grant-type:device_code',
          token: '',
        }[name];
        await send(path, {
          method: 'POST',
          body: new URLSearchParams({ grant_type, [name]: value, redirect_uri: testClient.redirectUri }),
          headers: { authorization: basic },
        });
      }
      await send('/me', { headers: { authorization: `Bearer ${encodeURIComponent(value)}` } });
      await send(`/interaction/${encodeURIComponent(value)}`);
      await send(`/set-up/${encodeURIComponent(value)}`);
    }
    assert.equal(({} as { polluted?: unknown }).polluted, undefined);
  });

  test('H20 no file of ours is served', async () => {
    for (const path of [
      '/../package.json',
      '/assets/../package.json',
      '/assets/..%2fpackage.json',
      '/assets/%2e%2e/package.json',
      '/assets/..%5cpackage.json',
      '/.env',
      '/.git/config',
      '/node_modules/koa/package.json',
      '/src/main.ts',
      '/data/keys.json',
      '/assets/app.js.map',
      '/assets/',
      '/assets',
      '/package.json',
      '/assets//etc/passwd',
      '/assets/__proto__',
      '/assets/constructor',
    ]) {
      const answer = await new Promise<string>((resolve, reject) => {
        const socket = connect(Number(new URL(service.issuer).port), 'localhost', () =>
          socket.write(`GET ${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`),
        );
        let text = '';
        socket.on('data', (chunk: Buffer) => (text += chunk.toString()));
        socket.on('error', reject);
        socket.on('close', () => resolve(text));
      });
      assert.match(answer, /^HTTP\/1\.1 40[04]/, path);
    }
  });
});
