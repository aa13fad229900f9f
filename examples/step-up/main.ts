import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import * as client from 'openid-client';
import { handleApi } from './api.ts';

// A bank's web application and its API, on one port to keep the example short. The application does what the API's
// refusal says: it sends the person to the provider for a stronger sign-in, and then does what they wanted.
const { ISSUER = 'http://localhost:3000', CLIENT_ID = 'bank', CLIENT_SECRET = '', PORT = '3002' } = process.env;
const address = `http://localhost:${PORT}`;

interface Session {
  pending?: { state: string; nonce: string; verifier: string; next: string };
  accessToken?: string;
}

const sessions = new Map<string, Session>();
const config = await client.discovery(new URL(ISSUER), CLIENT_ID, CLIENT_SECRET, undefined, {
  execute: ISSUER.startsWith('http:') ? [client.allowInsecureRequests] : [],
});

createServer((request, response) => {
  const handled = request.url?.startsWith('/api/') ? handleApi(config, request, response) : handle(request, response);
  handled.catch((error: unknown) => html(response, 500, `That did not work: ${(error as Error).message}`));
}).listen(Number(PORT), '127.0.0.1', () => console.log(`listening on ${address}`));

async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const url = new URL(request.url ?? '/', address);
  const session = sessionOf(request, response);
  switch (`${request.method} ${url.pathname}`) {
    case 'GET /':
      return html(response, 200, session.accessToken ? await account(session) : '<a href="/sign-in">Sign in</a>');
    case 'GET /sign-in':
      return redirect(response, await authorizationUrl(session, '/', {}));
    case 'GET /callback':
      return redirect(response, await callback(session, url));
    case 'POST /transfer':
      return transfer(session, response);
    case 'GET /continue-transfer':
      // An act is never done by a link: the person presses the button once more.
      return html(response, 200, button('Yes, transfer 50'));
    default:
      return html(response, 404, 'There is nothing here.');
  }
}

async function account({ accessToken = '' }: Session): Promise<string> {
  const { balance } = (await callApi(accessToken, 'GET', '/api/balance').then((res) => res.json())) as {
    balance: number;
  };
  return `<p id="balance">Balance: ${balance}</p>${button('Transfer 50')}`;
}

async function transfer(session: Session, response: ServerResponse): Promise<void> {
  if (!session.accessToken) return redirect(response, '/sign-in');
  try {
    await callApi(session.accessToken, 'POST', '/api/transfers');
    return html(response, 200, '<p id="done">Transferred.</p>');
  } catch (error) {
    if (!(error instanceof client.WWWAuthenticateChallengeError)) throw error;
    const challenge = error.cause.find(({ parameters }) => parameters.error === 'insufficient_user_authentication');
    if (!challenge) return redirect(response, '/sign-in');
    // RFC 9470 section 4: what the API wants goes into the authorization request as it stands.
    const { acr_values: acrValues, max_age: maxAge } = challenge.parameters;
    const asked = { ...(acrValues ? { acr_values: acrValues } : {}), ...(maxAge ? { max_age: maxAge } : {}) };
    return redirect(response, await authorizationUrl(session, '/continue-transfer', asked));
  }
}

function callApi(accessToken: string, method: string, path: string): Promise<Response> {
  return client.fetchProtectedResource(config, accessToken, new URL(path, address), method);
}

async function authorizationUrl(session: Session, next: string, asked: Record<string, string>): Promise<string> {
  const verifier = client.randomPKCECodeVerifier();
  session.pending = { state: client.randomState(), nonce: client.randomNonce(), verifier, next };
  return client.buildAuthorizationUrl(config, {
    redirect_uri: `${address}/callback`,
    scope: 'openid',
    code_challenge: await client.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
    state: session.pending.state,
    nonce: session.pending.nonce,
    ...asked,
  }).href;
}

async function callback(session: Session, url: URL): Promise<string> {
  const { pending } = session;
  if (!pending) throw new Error('There is no sign-in under way in this browser.');
  delete session.pending;
  const tokens = await client.authorizationCodeGrant(config, url, {
    pkceCodeVerifier: pending.verifier,
    expectedState: pending.state,
    expectedNonce: pending.nonce,
    idTokenExpected: true,
  });
  // The API judges the new token by itself; nothing here has to remember what was proven.
  session.accessToken = tokens.access_token;
  return pending.next;
}

function sessionOf(request: IncomingMessage, response: ServerResponse): Session {
  const id = /(?:^|; )bank=([^;]+)/.exec(request.headers.cookie ?? '')?.[1];
  const found = id === undefined ? undefined : sessions.get(id);
  if (found) return found;
  const [made, newId]: [Session, string] = [{}, randomUUID()];
  sessions.set(newId, made);
  response.setHeader('Set-Cookie', `bank=${newId}; HttpOnly; SameSite=Lax; Path=/`);
  return made;
}

function button(text: string): string {
  return `<form method="post" action="/transfer"><button>${text}</button></form>`;
}

function html(response: ServerResponse, status: number, body: string): void {
  response.writeHead(status, { 'Content-Type': 'text/html; charset=utf-8', 'Cache-Control': 'no-store' });
  response.end(`<!doctype html><html lang="en"><title>Bank</title><h1>Bank</h1>${body}`);
}

function redirect(response: ServerResponse, location: string): void {
  response.writeHead(303, { Location: location }).end();
}
