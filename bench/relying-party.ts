import { createHash, randomBytes } from 'node:crypto';
import { TOTP } from 'otpauth';
import { mainForm } from './html-form.ts';
import { send, type Answer, type CookieJar } from './http-client.ts';

/** The client both sides know: confidential, with PKCE, its consent skipped. */
export const client = {
  id: 'bench',
  secret: 'bench-secret-of-more-than-thirty-two-characters',
  redirectUri: 'https://rp.example.com/callback',
};

export interface BenchUser {
  username: string;
  password: string;
  /** The shared secret, base32. */
  secret: string;
}

/** Where a provider answers. */
export interface Endpoints {
  authorization: string;
  token: string;
}

export interface Tokens {
  idToken: string;
  refreshToken: string | undefined;
}

/** Reads the metadata as a relying party would. */
export async function discover(issuer: string): Promise<Endpoints> {
  const { body } = await send(`${issuer}/.well-known/openid-configuration`);
  const metadata = JSON.parse(body) as { authorization_endpoint: string; token_endpoint: string };
  return { authorization: metadata.authorization_endpoint, token: metadata.token_endpoint };
}

/**
 * A whole sign-in as a browser and a relying party do it: authorization request, password, one-time code, whatever
 * pages and redirects lie between, the code for the tokens. Throws on anything but tokens.
 */
export async function signIn(endpoints: Endpoints, user: BenchUser, scope: string): Promise<Tokens> {
  const verifier = randomBytes(32).toString('base64url');
  const authorization = new URL(endpoints.authorization);
  authorization.search = new URLSearchParams({
    client_id: client.id,
    redirect_uri: client.redirectUri,
    response_type: 'code',
    scope,
    state: randomBytes(16).toString('base64url'),
    nonce: randomBytes(16).toString('base64url'),
    code_challenge: createHash('sha256').update(verifier).digest('base64url'),
    code_challenge_method: 'S256',
    ...(scope.includes('offline_access') ? { prompt: 'consent' } : {}),
  }).toString();
  const callback = await browse(authorization.href, user);
  const code = callback.searchParams.get('code');
  if (code === null) throw new Error(`no code came back: ${callback.search}`);
  return redeem(endpoints, {
    grant_type: 'authorization_code',
    code,
    redirect_uri: client.redirectUri,
    code_verifier: verifier,
  });
}

/** Exchanges a refresh token. */
export function refresh(endpoints: Endpoints, refreshToken: string): Promise<Tokens> {
  return redeem(endpoints, { grant_type: 'refresh_token', refresh_token: refreshToken });
}

async function redeem(endpoints: Endpoints, form: Record<string, string>): Promise<Tokens> {
  const authorization = `Basic ${Buffer.from(`${client.id}:${client.secret}`).toString('base64')}`;
  const { status, body } = await send(endpoints.token, { form, authorization, accept: 'application/json' });
  if (status !== 200) throw new Error(`the token endpoint answered ${status}: ${body.slice(0, 300)}`);
  const answer = JSON.parse(body) as { id_token: string; refresh_token?: string };
  return { idToken: answer.id_token, refreshToken: answer.refresh_token };
}

async function browse(start: string, user: BenchUser): Promise<URL> {
  const jar: CookieJar = new Map();
  let url = start;
  let answer = await send(url, { jar });
  for (let steps = 0; steps < 20; steps += 1) {
    if (answer.location !== undefined) {
      url = new URL(answer.location, url).href;
      if (url.startsWith(client.redirectUri)) return new URL(url);
      answer = await send(url, { jar });
      continue;
    }
    const form = filled(answer, url, user);
    url = form.action;
    answer = await send(url, { form: form.fields, jar });
  }
  throw new Error(`the sign-in does not end; it is at ${url}`);
}

function filled(answer: Answer, url: string, user: BenchUser): { action: string; fields: Record<string, string> } {
  if (answer.status !== 200) throw new Error(`${url} answered ${answer.status}: ${answer.body.slice(0, 500)}`);
  const { action, fields, byPurpose } = mainForm(answer.body, url);
  const fill = (purpose: string, value: () => string): void => {
    const name = byPurpose.get(purpose);
    if (name !== undefined) fields[name] = value();
  };
  fill('username', () => user.username);
  fill('current-password', () => user.password);
  fill('one-time-code', () => new TOTP({ secret: user.secret }).generate());
  return { action, fields };
}
