import { generateKeyPairSync, randomBytes } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { verify } from '@node-rs/argon2';
import { Provider, type JWK } from 'oidc-provider';
import { TOTP } from 'otpauth';
import { client } from '../relying-party.ts';
import { redisAdapter } from './redis-adapter.ts';

/**
 * The measure: oidc-provider as it comes, on Redis, with a password page and a code page of the plainest sort. It
 * compares, the password by the same hash as ours, keeps no account of attempts, remembers no code, seals nothing and
 * audits nothing. Environment: PORT, REDIS_URL, and BENCH_SECRET and BENCH_HASH that all its users share.
 */
const { PORT = '0', REDIS_URL = '', BENCH_SECRET = '', BENCH_HASH = '' } = process.env;
const issuer = `http://127.0.0.1:${PORT}`;
const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const totp = new TOTP({ secret: BENCH_SECRET });

const provider = new Provider(issuer, {
  adapter: redisAdapter(REDIS_URL),
  clients: [
    {
      client_id: client.id,
      client_secret: client.secret,
      redirect_uris: [client.redirectUri],
      grant_types: ['authorization_code', 'refresh_token'],
      id_token_signed_response_alg: 'ES256',
    },
  ],
  jwks: { keys: [{ ...(privateKey.export({ format: 'jwk' }) as JWK), alg: 'ES256', use: 'sig', kid: 'bench' }] },
  enabledJWA: { idTokenSigningAlgValues: ['ES256'] },
  cookies: { keys: [randomBytes(32).toString('hex')] },
  features: { devInteractions: { enabled: false } },
  pkce: { required: () => true },
  // As here: a confidential client's refresh token stays, bound to its authentication.
  rotateRefreshToken: false,
  claims: { openid: ['sub', 'acr', 'amr', 'auth_time'] },
  interactions: { url: (_context, interaction) => `/interaction/${interaction.uid}` },
  ttl: {
    AccessToken: 600,
    AuthorizationCode: 60,
    Grant: 1_209_600,
    IdToken: 600,
    Interaction: 1800,
    RefreshToken: 1_209_600,
    Session: 43_200,
  },
  findAccount: (_context, sub) => ({ accountId: sub, claims: () => ({ sub }) }),
  loadExistingGrant: async (context) => {
    const { session, client: asking, provider: engine } = context.oidc;
    if (!asking || !session?.accountId) return undefined;
    const known = session.grantIdFor(asking.clientId);
    if (known) return engine.Grant.find(known);
    const grant = new engine.Grant({ clientId: asking.clientId, accountId: session.accountId });
    grant.addOIDCScope('openid offline_access');
    await grant.save();
    return grant;
  },
});

const page = (action: string, inputs: string): string =>
  `<!doctype html><html lang="en"><body><main><form method="post" action="${action}">${inputs}<button>Continue</button></form></main></body></html>`;
const passwordInputs =
  '<input name="login" autocomplete="username"><input name="password" type="password" autocomplete="current-password">';
const codeInputs = '<input name="code" autocomplete="one-time-code" inputmode="numeric">';

async function interaction(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { uid, result, prompt } = await provider.interactionDetails(request, response);
  const path = `/interaction/${uid}`;
  const loginSoFar = result?.['firstFactor'] as string | undefined;
  if (prompt.name === 'consent') {
    // offline_access is asked for together with prompt=consent: one click, the grant is there already
    if (request.method === 'POST') return provider.interactionFinished(request, response, { consent: {} });
    return show(response, page(path, ''));
  }
  if (request.method !== 'POST') return show(response, page(path, loginSoFar ? codeInputs : passwordInputs));
  const form = await readForm(request);
  if (loginSoFar === undefined) {
    if (!(await verify(BENCH_HASH, form.get('password') ?? ''))) return show(response, page(path, passwordInputs));
    await provider.interactionResult(request, response, { firstFactor: form.get('login') ?? '' });
    response.writeHead(303, { location: path }).end();
    return;
  }
  if (totp.validate({ token: form.get('code') ?? '', window: 1 }) === null)
    return show(response, page(path, codeInputs));
  const login = { accountId: loginSoFar, amr: ['pwd', 'otp', 'mfa'] };
  return provider.interactionFinished(request, response, { login }, { mergeWithLastSubmission: false });
}

function show(response: ServerResponse, html: string): void {
  response.writeHead(200, { 'content-type': 'text/html; charset=utf-8', 'cache-control': 'no-store' }).end(html);
}

async function readForm(request: IncomingMessage): Promise<URLSearchParams> {
  let body = '';
  for await (const chunk of request) body += String(chunk);
  return new URLSearchParams(body);
}

const engine = provider.callback();
const { createServer } = await import('node:http');
createServer((request, response) => {
  if (!request.url?.startsWith('/interaction/')) {
    void engine(request, response);
    return;
  }
  interaction(request, response).catch((error: unknown) => {
    process.stderr.write(`${String(error)}\n`);
    if (!response.headersSent) response.writeHead(500);
    response.end();
  });
}).listen(Number(PORT), '127.0.0.1', () => process.stdout.write('listening\n'));
