import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import type { TestService } from './service.ts';
import { testContext } from './stores.ts';

export type KeyPair = Awaited<ReturnType<typeof generateKeyPair>>;

/** A relying party with keys of its own, as it calls the protocol's endpoints; nothing of the service is in it. */
export interface ProtocolClient {
  readonly id: string;
  readonly keys: KeyPair;
  readonly redirectUri: string;
  /** A client assertion; `claims` stand over the ordinary ones, undefined takes one away. */
  assertion(claims?: Record<string, unknown>, alg?: string): Promise<string>;
  /** Posts a form, authenticated by an assertion, to one replica's endpoint. */
  post(path: string, fields: Record<string, string>, options?: PostOptions): Promise<Answer>;
}

export interface PostOptions {
  readonly headers?: Record<string, string>;
  /** The replica; else the issuer's own address. */
  readonly at?: string;
  readonly assertion?: string;
}

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Record<string, unknown> & { readonly error?: string };
}

export async function keyPair(alg = 'ES256'): Promise<KeyPair> {
  return generateKeyPair(alg, { extractable: true });
}

/** Registers a client that signs its assertions with ES256. */
export async function addProtocolClient(
  service: TestService,
  metadata: Record<string, unknown> = {},
): Promise<ProtocolClient> {
  const keys = await keyPair();
  const id = `client-${randomUUID().slice(0, 8)}`;
  const redirectUri = `https://${id}.example/callback`;
  const jwk = { ...(await exportJWK(keys.publicKey)), kid: 'client-key', alg: 'ES256', use: 'sig' };
  await service.composed.services.manageRelyingParties.apply(
    {
      client_id: id,
      redirect_uris: [redirectUri],
      token_endpoint_auth_method: 'private_key_jwt',
      jwks: { keys: [jwk] },
      ...metadata,
    },
    'test',
    testContext,
  );
  const { issuer } = service;
  const client: ProtocolClient = {
    id,
    keys,
    redirectUri,
    assertion: (claims = {}, alg = 'ES256') =>
      new SignJWT({
        iss: id,
        sub: id,
        aud: issuer,
        jti: randomUUID(),
        exp: Math.floor(Date.now() / 1000) + 60,
        iat: Math.floor(Date.now() / 1000),
        ...claims,
      })
        .setProtectedHeader({ alg, kid: 'client-key' })
        .sign(keys.privateKey),
    async post(path, fields, { headers = {}, at = issuer, assertion } = {}) {
      return post(
        `${at}${path}`,
        { client_id: id, ...fields, ...asAssertion(assertion ?? (await client.assertion())) },
        headers,
      );
    },
  };
  return client;
}

function asAssertion(assertion: string): Record<string, string> {
  return {
    client_assertion: assertion,
    client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
  };
}

export async function post(
  url: string,
  fields: Record<string, string>,
  headers: Record<string, string> = {},
): Promise<Answer> {
  const response = await fetch(url, { method: 'POST', body: new URLSearchParams(fields), headers });
  const text = await response.text();
  const body = (text.startsWith('{') ? JSON.parse(text) : { text }) as Answer['body'];
  return { status: response.status, headers: response.headers, body };
}

export interface ProofOptions {
  readonly accessToken?: string;
  readonly nonce?: string;
  readonly claims?: Record<string, unknown>;
  readonly header?: Record<string, unknown>;
}

/** A DPoP proof (RFC 9449 section 4.2). */
export async function dpopProof(
  keys: KeyPair,
  method: string,
  url: string,
  { accessToken, nonce, claims = {}, header = {} }: ProofOptions = {},
): Promise<string> {
  const jwk = await exportJWK(keys.publicKey);
  return new SignJWT({
    htm: method,
    htu: url,
    jti: randomUUID(),
    iat: Math.floor(Date.now() / 1000),
    ...(nonce === undefined ? {} : { nonce }),
    ...(accessToken === undefined ? {} : { ath: createHash('sha256').update(accessToken).digest('base64url') }),
    ...claims,
  })
    .setProtectedHeader({ alg: 'ES256', typ: 'dpop+jwt', jwk, ...header })
    .sign(keys.privateKey);
}

export function pkce(): { readonly verifier: string; readonly parameters: Record<string, string> } {
  const verifier = randomBytes(32).toString('base64url');
  const challenge = createHash('sha256').update(verifier).digest('base64url');
  return { verifier, parameters: { code_challenge: challenge, code_challenge_method: 'S256' } };
}
