import assert from 'node:assert/strict';
import type { Server } from 'node:http';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import express from 'express';
import session from 'express-session';
import * as oauth from 'oauth4webapi';
import passport from 'passport';
import { Strategy as OpenIdConnectStrategy } from 'passport-openidconnect';
import type { Browser } from 'playwright-core';
import { newBrowser } from '../support/browser.ts';
import { signInInBrowser } from '../support/browser-sign-in.ts';
import { projectFolder } from '../support/paths.ts';
import { freePort } from '../support/servers/free-port.ts';
import { startService, testClient, type TestService } from '../support/service.ts';
import { testContext } from '../support/stores.ts';
import { UserAgent } from '../support/user-agent.ts';

describe('clients that nobody here wrote', () => {
  let service: TestService;
  let browser: Browser | undefined;
  const servers: Server[] = [];
  before(async () => {
    service = await startService('servers');
    browser = await newBrowser();
  });
  after(async () => {
    await browser?.close();
    for (const server of servers) server.close();
    await service.close();
  });

  async function register(metadata: Record<string, unknown>): Promise<void> {
    await service.composed.services.manageRelyingParties.apply(metadata, 'test', testContext);
  }

  /** Serves an application and answers its address. */
  async function serve(build: (address: string) => express.Express): Promise<string> {
    const port = await freePort();
    const address = `http://localhost:${port}`;
    const app = build(address);
    await new Promise<void>((done) => servers.push(app.listen(port, '127.0.0.1', () => done())));
    return address;
  }

  test('oauth4webapi: discovery, PKCE, code, userinfo, introspection, refresh and revocation', async () => {
    const insecure = { [oauth.allowInsecureRequests]: true };
    const issuer = new URL(service.issuer);
    const as = await oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer, insecure));
    const client: oauth.Client = { client_id: testClient.id };
    const authentication = oauth.ClientSecretBasic(testClient.secret);
    const person = await service.addPerson();
    const nonce = oauth.generateRandomNonce();
    const finished = await new UserAgent(service.issuer).signIn(person, {
      scope: 'openid profile offline_access',
      prompt: 'consent',
      nonce,
    });
    const parameters = oauth.validateAuthResponse(as, client, new URL(finished.location ?? ''), 'the-state');
    const answer = await oauth.authorizationCodeGrantRequest(
      as,
      client,
      authentication,
      parameters,
      testClient.redirectUri,
      finished.verifier,
      insecure,
    );
    const tokens = await oauth.processAuthorizationCodeResponse(as, client, answer, {
      expectedNonce: nonce,
      requireIdToken: true,
    });
    const { sub } = oauth.getValidatedIdTokenClaims(tokens) ?? { sub: '' };
    assert.equal(sub, person.id);
    const me = await oauth.userInfoRequest(as, client, tokens.access_token, insecure);
    assert.equal((await oauth.processUserInfoResponse(as, client, sub, me)).sub, person.id);
    const refreshed = await oauth.processRefreshTokenResponse(
      as,
      client,
      await oauth.refreshTokenGrantRequest(as, client, authentication, tokens.refresh_token ?? '', insecure),
    );
    assert.ok(refreshed.access_token);
    await oauth.processRevocationResponse(
      await oauth.revocationRequest(as, client, authentication, tokens.refresh_token ?? '', insecure),
    );
    const introspected = await oauth.processIntrospectionResponse(
      as,
      client,
      await oauth.introspectionRequest(as, client, authentication, refreshed.access_token, insecure),
    );
    assert.equal(introspected.active, false, 'the revoked refresh token takes its access tokens along');
  });

  test('passport-openidconnect: signs in a client for which an operator lifted PKCE', async () => {
    const secret = 'the secret of the passport client, long enough';
    const address = await serve((own) => {
      const app = express();
      app.use(session({ secret: 'a session secret of the test', resave: false, saveUninitialized: false }));
      passport.use(
        new OpenIdConnectStrategy(
          {
            issuer: service.issuer,
            authorizationURL: `${service.issuer}/auth`,
            tokenURL: `${service.issuer}/token`,
            userInfoURL: `${service.issuer}/me`,
            clientID: 'passport',
            clientSecret: secret,
            callbackURL: `${own}/callback`,
            scope: ['profile'],
          },
          (_issuer: string, profile: { id: string }, done: (error: null, user: object) => void) =>
            done(null, { id: profile.id }),
        ),
      );
      app.get('/login', passport.authenticate('openidconnect'));
      app.get('/callback', passport.authenticate('openidconnect', { session: false }), (req, res) => {
        res.json(req.user);
      });
      return app;
    });
    await register({
      client_id: 'passport',
      client_secret: secret,
      redirect_uris: [`${address}/callback`],
      require_pkce: false,
    });
    const person = await service.addPerson();
    const page = await (browser as Browser).newPage();
    await page.goto(`${address}/login`);
    await signInInBrowser(page, person);
    await page.waitForURL(`${address}/callback**`);
    assert.equal((JSON.parse(await page.locator('body').innerText()) as { id: string }).id, person.id);
    await page.close();
  });

  test('oidc-client-ts: signs in a single-page application in its browser, across origins', async () => {
    const library = readFileSync(
      join(projectFolder, 'node_modules', 'oidc-client-ts', 'dist', 'browser', 'oidc-client-ts.min.js'),
      'utf8',
    );
    const address = await serve((own) => {
      const app = express();
      const settings = JSON.stringify({
        authority: service.issuer,
        client_id: 'spa',
        redirect_uri: `${own}/callback`,
        scope: 'openid profile',
        loadUserInfo: true,
        filterProtocolClaims: false,
      });
      app.get('/library.js', (_req, res) => void res.type('js').send(library));
      app.get('/', (_req, res) => {
        res.type('html').send(`<body><script src="/library.js"></script><script>
          new oidc.UserManager(${settings}).signinRedirect();
        </script>`);
      });
      app.get('/callback', (_req, res) => {
        res.type('html').send(`<body><pre></pre><script src="/library.js"></script><script>
          new oidc.UserManager(${settings}).signinRedirectCallback().then(
            (user) => { document.querySelector('pre').textContent = JSON.stringify(user.profile); },
            (error) => { document.querySelector('pre').textContent = JSON.stringify({ error: String(error) }); });
        </script>`);
      });
      return app;
    });
    await register({
      client_id: 'spa',
      redirect_uris: [`${address}/callback`],
      token_endpoint_auth_method: 'none',
      grant_types: ['authorization_code', 'refresh_token'],
    });
    const person = await service.addPerson();
    const page = await (browser as Browser).newPage();
    await page.goto(address);
    await signInInBrowser(page, person);
    await page.locator('pre:not(:empty)').waitFor();
    const profile = JSON.parse(await page.locator('pre').innerText()) as { sub?: string; error?: string; acr?: string };
    assert.equal(profile.error, undefined);
    assert.equal(profile.sub, person.id);
    assert.equal(profile.acr, 'urn:twofold:acr:2fa');
    await page.close();
  });
});
