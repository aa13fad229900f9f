import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { createRemoteJWKSet, jwtVerify } from 'jose';
import {
  addProtocolClient,
  dpopProof,
  keyPair,
  pkce,
  type Answer,
  type ProtocolClient,
} from '../../support/protocol-client.ts';
import type { KeyPair, PostOptions, ProofOptions } from '../../support/protocol-client.ts';
import { startConformanceService } from '../../support/conformance-service.ts';
import type { TestPerson, TestService } from '../../support/service.ts';
import { newBrowserOf } from '../../support/sign-in.ts';
import { codeOf, type StepAnswer, type UserAgent } from '../../support/user-agent.ts';

type Fields = Record<string, string | undefined>;

/** A pushed request, with all that is needed to go on from it. */
export interface Pushed {
  readonly answer: Answer;
  readonly uri: string;
  readonly verifier: string;
  readonly fields: Record<string, string>;
}

export interface RedeemOptions {
  readonly by?: ProtocolClient;
  readonly keys?: KeyPair;
  readonly changes?: Fields;
  readonly headers?: Record<string, string>;
  readonly assertion?: string;
}

/** Two relying parties of the FAPI 2.0 security profile (private_key_jwt, DPoP), and what each module does with them. */
export class FapiWorld {
  readonly service: TestService;
  readonly client: ProtocolClient;
  readonly second: ProtocolClient;
  readonly keys: KeyPair;

  private constructor(service: TestService, client: ProtocolClient, second: ProtocolClient, keys: KeyPair) {
    this.service = service;
    this.client = client;
    this.second = second;
    this.keys = keys;
  }

  static async start(): Promise<FapiWorld> {
    const service = await startConformanceService();
    const metadata = { twofold_fapi_profile: 'security', grant_types: ['authorization_code', 'refresh_token'] };
    const client = await addProtocolClient(service, metadata);
    const second = await addProtocolClient(service, metadata);
    return new FapiWorld(service, client, second, await keyPair());
  }

  get issuer(): string {
    return this.service.issuer;
  }

  proof(path: string, options: ProofOptions & { keys?: KeyPair; method?: string } = {}): Promise<string> {
    return dpopProof(options.keys ?? this.keys, options.method ?? 'POST', `${this.issuer}${path}`, options);
  }

  /** Pushes an ordinary request; an undefined field of `changes` is left out. */
  async push(changes: Fields = {}, options: PostOptions = {}): Promise<Pushed> {
    const { verifier, parameters } = pkce();
    const fields = given({
      response_type: 'code',
      scope: 'openid',
      redirect_uri: this.client.redirectUri,
      state: randomUUID(),
      nonce: randomUUID(),
      ...parameters,
      ...changes,
    });
    const answer = await this.client.post('/par', fields, options);
    return { answer, uri: String(answer.body['request_uri']), verifier, fields };
  }

  async mustPush(changes: Fields = {}, options: PostOptions = {}): Promise<Pushed> {
    const pushed = await this.push(changes, options);
    assert.equal(pushed.answer.status, 201, JSON.stringify(pushed.answer.body));
    assert.match(pushed.uri, /^urn:ietf:params:oauth:request_uri:.{22,}/);
    const seconds = Number(pushed.answer.body['expires_in']);
    assert.ok(seconds >= 5 && seconds < 600);
    return pushed;
  }

  async newcomer(): Promise<{ readonly person: TestPerson; readonly agent: UserAgent }> {
    return { person: await this.service.addPerson(), agent: newBrowserOf(this.service) };
  }

  open(agent: UserAgent, uri: string, more: Record<string, string> = {}): Promise<StepAnswer> {
    const query = new URLSearchParams({ client_id: this.client.id, request_uri: uri, ...more });
    return agent.follow(`/auth?${query.toString()}`);
  }

  /** From the first page to the answer, with password, one-time code and what is decided of the consent. */
  async goThrough(agent: UserAgent, first: StepAnswer, person: TestPerson, decision = 'allow'): Promise<StepAnswer> {
    assert.equal(first.page, 'password', `${first.page} ${first.location ?? ''}`);
    const step = await agent.submitPassword(first, person);
    assert.equal(step.page, 'one-time-code');
    const next = await agent.submit(step, { code: person.code() });
    return next.page === 'consent' ? agent.submit(next, { decision }) : next;
  }

  /** A signed-in person's answer to a pushed request; it carries the code, `state` as pushed, and `iss`. */
  async authorize(pushed: Pushed, more: Record<string, string> = {}): Promise<StepAnswer> {
    const { person, agent } = await this.newcomer();
    const finished = await this.goThrough(agent, await this.open(agent, pushed.uri, more), person);
    const { searchParams } = new URL(finished.location ?? '');
    assert.equal(searchParams.get('error'), null, searchParams.toString());
    assert.equal(searchParams.get('state'), pushed.fields['state'] ?? null);
    assert.equal(searchParams.get('iss'), this.issuer);
    return finished;
  }

  async redeem(code: string, verifier: string, options: RedeemOptions = {}): Promise<Answer> {
    const { by = this.client, keys = this.keys, changes = {}, headers, assertion } = options;
    const fields = given({
      grant_type: 'authorization_code',
      code,
      redirect_uri: this.client.redirectUri,
      code_verifier: verifier,
      ...changes,
    });
    const proven = headers ?? { dpop: await this.proof('/token', { keys }) };
    return by.post('/token', fields, { headers: proven, ...(assertion === undefined ? {} : { assertion }) });
  }

  /** The whole flow up to tokens that were checked. */
  async flow(changes: Fields = {}, options: PostOptions = {}) {
    const pushed = await this.mustPush(changes, options);
    const code = codeOf(await this.authorize(pushed));
    const answer = await this.redeem(code, pushed.verifier);
    return { ...(await this.readTokens(answer, pushed.fields['nonce'])), code, verifier: pushed.verifier };
  }

  async readTokens(answer: Answer, nonce: string | undefined) {
    assert.equal(answer.status, 200, JSON.stringify(answer.body));
    assert.equal(answer.body['token_type'], 'DPoP');
    assert.match(answer.headers.get('cache-control') ?? '', /no-store/);
    const keySet = createRemoteJWKSet(new URL(`${this.issuer}/jwks`));
    const { payload } = await jwtVerify(String(answer.body['id_token']), keySet, {
      issuer: this.issuer,
      audience: this.client.id,
      algorithms: ['PS256', 'ES256', 'EdDSA'],
    });
    assert.equal(payload['nonce'], nonce);
    assert.deepEqual(payload['amr'], ['pwd', 'otp', 'mfa'], 'E35 a one-time code was asked');
    return { accessToken: String(answer.body['access_token']), claims: payload, body: answer.body };
  }

  /** Calls the resource: the userinfo endpoint. */
  async resource(
    accessToken: string,
    options: ProofOptions & { keys?: KeyPair; scheme?: string; dpop?: string | undefined; noProof?: boolean } = {},
  ): Promise<number> {
    const proof = options.dpop ?? (await this.proof('/me', { method: 'GET', accessToken, ...options }));
    const headers: Record<string, string> = { authorization: `${options.scheme ?? 'DPoP'} ${accessToken}` };
    if (options.noProof !== true) headers['dpop'] = proof;
    return (await fetch(`${this.issuer}/me`, { headers })).status;
  }
}

export type FapiModule = (world: FapiWorld) => Promise<void>;

/** Refused with this status and one of these errors. */
export function assertRefused(answer: Answer, status: number, error: RegExp): void {
  assert.equal(answer.status, status, JSON.stringify(answer.body));
  assert.match(answer.body.error ?? '', error);
}

function given(fields: Fields): Record<string, string> {
  return Object.fromEntries(Object.entries(fields).filter((pair): pair is [string, string] => pair[1] !== undefined));
}
