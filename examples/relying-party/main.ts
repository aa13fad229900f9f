import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import * as client from 'openid-client';
import { errorPage, notSignedInPage, signedInPage, signedOutPage } from './pages.ts';

// A relying party as anyone would write it: an independent client library, a session of its own, and nothing of the
// provider's inside. What it knows of the provider stands in one file, as an operator would hand it over.
interface Registration {
  issuer: string;
  client_id: string;
  client_secret: string;
  address: string;
}

interface Pending {
  state: string;
  nonce: string;
  verifier: string;
}

interface Session {
  pending?: Pending;
  tokens?: client.TokenEndpointResponse & client.TokenEndpointResponseHelpers;
  userinfo?: unknown;
}

const file = process.env['RELYING_PARTY_FILE'] ?? 'data/sample-relying-party.json';
const scope = 'openid profile email';
const sessions = new Map<string, Session>();

const registration = await patiently(async () => JSON.parse(readFileSync(file, 'utf8')) as Registration);
const { address } = registration;
const config = await patiently(() =>
  client.discovery(new URL(registration.issuer), registration.client_id, registration.client_secret, undefined, {
    execute: new URL(registration.issuer).protocol === 'http:' ? [client.allowInsecureRequests] : [],
  }),
);

const server = createServer((request, response) => {
  handle(request, response).catch((error: unknown) => {
    if (error instanceof client.AuthorizationResponseError || error instanceof client.ResponseBodyError) {
      // OpenID Connect Core section 3.1.2.6: a person who does not go on is no fault of anybody's.
      if (error.error === 'access_denied') return html(response, 200, notSignedInPage());
      return html(response, 400, errorPage([error.error, error.error_description].filter(Boolean).join(': ')));
    }
    console.error('sample relying party:', (error as Error).message);
    html(response, 500, errorPage((error as Error).message));
  });
});
const { port } = new URL(address);
server.on('error', ({ code }: NodeJS.ErrnoException) => {
  const why = code === 'EADDRINUSE' ? 'is taken by another program' : `cannot be opened (${code})`;
  console.error(`Sample relying party: port ${port} ${why}; set TWOFOLD_SAMPLE_PORT to another, or to 0 for none.`);
  process.exit(1);
});
server.listen(Number(port), '127.0.0.1', () => console.log(`Sample relying party: ${address}`));
process.on('SIGTERM', () => server.close(() => process.exit(0)));

async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const url = new URL(request.url ?? '/', address);
  const session = sessionOf(request, response);
  switch (`${request.method} ${url.pathname}`) {
    case 'GET /':
      html(response, 200, session.tokens ? signedInPage(session.tokens, session.userinfo) : signedOutPage());
      return;
    case 'GET /sign-in':
      redirect(response, await authorizationUrl(session, url.searchParams));
      return;
    case 'GET /callback':
      if (!session.pending) {
        html(response, 400, errorPage('There is no sign-in under way in this browser.'));
        return;
      }
      await callback(session, session.pending, url);
      redirect(response, '/');
      return;
    case 'POST /refresh':
      if (session.tokens?.refresh_token) {
        session.tokens = await client.refreshTokenGrant(config, session.tokens.refresh_token);
      }
      redirect(response, '/');
      return;
    case 'POST /userinfo': {
      const subject = session.tokens?.claims()?.sub;
      if (session.tokens && subject) {
        session.userinfo = await client.fetchUserInfo(config, session.tokens.access_token, subject);
      }
      redirect(response, '/');
      return;
    }
    case 'GET /sign-out': {
      const hint = session.tokens?.id_token;
      delete session.tokens;
      delete session.userinfo;
      const parameters = { post_logout_redirect_uri: `${address}/`, ...(hint ? { id_token_hint: hint } : {}) };
      redirect(response, client.buildEndSessionUrl(config, parameters).href);
      return;
    }
    default:
      html(response, 404, errorPage('There is nothing here.'));
  }
}

async function authorizationUrl(session: Session, asked: URLSearchParams): Promise<string> {
  const verifier = client.randomPKCECodeVerifier();
  session.pending = { state: client.randomState(), nonce: client.randomNonce(), verifier };
  const parameters: Record<string, string> = {
    redirect_uri: `${address}/callback`,
    scope,
    code_challenge: await client.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
    state: session.pending.state,
    nonce: session.pending.nonce,
  };
  // OpenID Connect Core section 11: a refresh token that outlives the session needs the person's consent, each time.
  if (asked.has('offline')) Object.assign(parameters, { scope: `${scope} offline_access`, prompt: 'consent' });
  for (const name of ['acr_values', 'max_age', 'prompt']) {
    const value = asked.get(name);
    if (value) parameters[name] = value;
  }
  return client.buildAuthorizationUrl(config, parameters).href;
}

async function callback(session: Session, pending: Pending, url: URL): Promise<void> {
  delete session.pending;
  session.tokens = await client.authorizationCodeGrant(config, url, {
    pkceCodeVerifier: pending.verifier,
    expectedState: pending.state,
    expectedNonce: pending.nonce,
    idTokenExpected: true,
  });
}

function sessionOf(request: IncomingMessage, response: ServerResponse): Session {
  const id = /(?:^|; )sample=([^;]+)/.exec(request.headers.cookie ?? '')?.[1];
  const found = id === undefined ? undefined : sessions.get(id);
  if (found) return found;
  const made: Session = {};
  const newId = randomUUID();
  sessions.set(newId, made);
  response.setHeader('Set-Cookie', `sample=${newId}; HttpOnly; SameSite=Lax; Path=/`);
  return made;
}

function html(response: ServerResponse, status: number, body: string): void {
  response.writeHead(status, { 'Content-Type': 'text/html; charset=utf-8', 'Cache-Control': 'no-store' }).end(body);
}

function redirect(response: ServerResponse, location: string): void {
  response.writeHead(303, { Location: location }).end();
}

/** The provider starts beside this program and may take a moment. */
async function patiently<Result>(work: () => Promise<Result>): Promise<Result> {
  for (let tried = 0; ; tried += 1) {
    try {
      return await work();
    } catch (error) {
      if (tried >= 120) throw error;
      await new Promise((done) => setTimeout(done, 500));
    }
  }
}
