import assert from 'node:assert/strict';
import { createHash, randomUUID } from 'node:crypto';
import { createRemoteJWKSet, jwtVerify, type JWTPayload } from 'jose';
import type { TestPerson, TestService } from './service.ts';
import { testContext } from './stores.ts';
import type { StepAnswer, UserAgent } from './user-agent.ts';

export type AnswerMode = 'query' | 'form_post';

/** What came back to the relying party, and what was asked on the way. */
export interface Authorization {
  readonly parameters: URLSearchParams;
  /** Pages a person saw, in order. */
  readonly pages: readonly string[];
  readonly state: string;
  readonly nonce: string | undefined;
}

export interface TokenAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Record<string, unknown> & {
    readonly error?: string;
    readonly access_token?: string;
    readonly id_token?: string;
    readonly refresh_token?: string;
  };
}

export interface PartyOptions {
  readonly mode?: AnswerMode;
  readonly metadata?: Record<string, unknown>;
}

/**
 * A relying party as the OpenID Foundation's suite is one: a secret, no PKCE unless a module sends it, `state` and `nonce`
 * in each request, and every answer checked.
 */
export class ConformanceParty {
  readonly service: TestService;
  readonly id: string;
  readonly redirectUri: string;
  readonly mode: AnswerMode;
  readonly #secret: string;
  readonly #secretInBody: boolean;

  private constructor(service: TestService, id: string, secret: string, { mode, metadata }: PartyOptions) {
    this.service = service;
    this.id = id;
    this.#secret = secret;
    this.redirectUri = `https://${id}.example/callback`;
    this.mode = mode ?? 'query';
    this.#secretInBody = metadata?.['token_endpoint_auth_method'] === 'client_secret_post';
  }

  static async register(service: TestService, options: PartyOptions = {}): Promise<ConformanceParty> {
    const party = new ConformanceParty(
      service,
      `c-${randomUUID().slice(0, 8)}`,
      `${randomUUID()}${randomUUID()}`,
      options,
    );
    await service.composed.services.manageRelyingParties.apply(
      {
        client_id: party.id,
        client_secret: party.#secret,
        client_name: 'Conformance',
        redirect_uris: [party.redirectUri],
        grant_types: ['authorization_code', 'refresh_token'],
        id_token_signed_response_alg: 'RS256',
        require_pkce: false,
        ...options.metadata,
      },
      'test',
      testContext,
    );
    return party;
  }

  /** The parameters of an ordinary request; an undefined one of `changes` is left out. */
  request(changes: Record<string, string | undefined> = {}): URLSearchParams {
    const all: Record<string, string | undefined> = {
      client_id: this.id,
      redirect_uri: this.redirectUri,
      response_type: 'code',
      scope: 'openid',
      state: randomUUID(),
      nonce: randomUUID(),
      response_mode: this.mode === 'form_post' ? 'form_post' : undefined,
      ...changes,
    };
    return new URLSearchParams(Object.entries(all).filter((pair): pair is [string, string] => pair[1] !== undefined));
  }

  /** Opens the authorization endpoint: the first page, or the answer where no person is needed. */
  async open(agent: UserAgent, request: URLSearchParams): Promise<StepAnswer> {
    return agent.follow(`/auth?${request.toString()}`);
  }

  /** Goes through all pages as the person does; `offset` says of which time step the code is, since each serves once. */
  async goThrough(agent: UserAgent, first: StepAnswer, person: TestPerson, offset = 0) {
    const pages: string[] = [];
    let step = first;
    while (step.page !== 'left') {
      assert.ok(pages.length < 5, `stuck: ${pages.join(', ')} ${step.error?.code ?? ''}`);
      pages.push(step.page);
      if (step.page === 'password') step = await agent.submitPassword(step, person);
      else if (step.page === 'one-time-code') step = await agent.submit(step, { code: person.code(offset) });
      else if (step.page === 'consent') step = await agent.submit(step, { decision: 'allow' });
      else assert.fail(`unexpected page ${step.page}`);
    }
    return { step, pages };
  }

  /** A whole request: opened, gone through, its answer checked; it carries a code. */
  async authorize(
    agent: UserAgent,
    person: TestPerson,
    changes: Record<string, string | undefined> = {},
    offset = 0,
  ): Promise<Authorization> {
    const request = this.request(changes);
    const { step, pages } = await this.goThrough(agent, await this.open(agent, request), person, offset);
    const parameters = this.readAnswer(step, request.get('state'));
    assert.equal(parameters.get('error'), null, parameters.toString());
    assert.ok((parameters.get('code') ?? '').length >= 22, 'the code cannot be guessed');
    return { parameters, pages, state: request.get('state') ?? '', nonce: request.get('nonce') ?? undefined };
  }

  /** The parameters of an answer, which came in the mode that was asked, with `state` and `iss` as they must be. */
  readAnswer(step: StepAnswer, state: string | null): URLSearchParams {
    assert.equal(step.page, 'left', `${step.page} ${step.error?.code ?? ''}`);
    const url = new URL(step.location ?? '');
    assert.equal(url.hash, '');
    assert.equal(url.origin + url.pathname, this.redirectUri);
    if (this.mode === 'form_post') {
      assert.ok(step.posted, 'posted, not redirected');
      assert.equal(url.search, '', 'nothing in the address');
    } else assert.equal(step.posted, undefined);
    const parameters = step.posted ?? url.searchParams;
    assert.equal(parameters.get('state'), state);
    assert.equal(parameters.get('iss'), this.service.issuer);
    for (const name of ['access_token', 'id_token', 'token_type']) assert.equal(parameters.get(name), null);
    return parameters;
  }

  async token(fields: Record<string, string>): Promise<TokenAnswer> {
    const body = new URLSearchParams({
      ...fields,
      ...(this.#secretInBody ? { client_id: this.id, client_secret: this.#secret } : {}),
    });
    const basic = Buffer.from([this.id, this.#secret].map(encodeURIComponent).join(':')).toString('base64');
    const headers: Record<string, string> = this.#secretInBody ? {} : { authorization: `Basic ${basic}` };
    const response = await fetch(`${this.service.issuer}/token`, { method: 'POST', body, headers });
    const answer = (await response.json()) as TokenAnswer['body'];
    return { status: response.status, headers: response.headers, body: answer };
  }

  async redeem(
    { parameters }: Pick<Authorization, 'parameters'>,
    more: Record<string, string> = {},
  ): Promise<TokenAnswer> {
    const code = parameters.get('code') ?? '';
    return this.token({ grant_type: 'authorization_code', code, redirect_uri: this.redirectUri, ...more });
  }

  /** Tokens of an authorization, with everything checked that Core 3.1.3.3 and 3.1.3.7 say of them. */
  async tokensOf(authorization: Authorization, more: Record<string, string> = {}) {
    const { status, headers, body } = await this.redeem(authorization, more);
    assert.equal(status, 200, JSON.stringify(body));
    assert.match(headers.get('content-type') ?? '', /^application\/json/);
    assert.match(headers.get('cache-control') ?? '', /no-store/);
    assert.equal(String(body['token_type']).toLowerCase(), 'bearer');
    assert.ok(Number(body['expires_in']) > 0);
    const accessToken = String(body.access_token);
    assert.ok(accessToken.length >= 22);
    const idToken = String(body.id_token);
    const claims = await this.verifyIdToken(idToken, authorization.nonce);
    if (claims['at_hash'] !== undefined) assert.equal(claims['at_hash'], halfHash(accessToken));
    return { accessToken, idToken, claims, refreshToken: body.refresh_token, body };
  }

  async verifyIdToken(idToken: string, nonce: string | undefined, algorithm = 'RS256'): Promise<JWTPayload> {
    const { payload, protectedHeader } = await jwtVerify(idToken, this.keys(), {
      issuer: this.service.issuer,
      audience: this.id,
      algorithms: [algorithm],
    });
    assert.ok(protectedHeader.kid, 'of several published keys it says which');
    assert.ok(payload.sub !== undefined && payload.sub.length <= 255);
    assert.ok((payload.exp ?? 0) > (payload.iat ?? 0));
    assert.ok(Math.abs(Date.now() / 1000 - (payload.iat ?? 0)) < 300);
    assert.equal(payload['nonce'], nonce);
    if (payload['azp'] !== undefined) assert.equal(payload['azp'], this.id);
    assert.deepEqual(payload['amr'], ['pwd', 'otp', 'mfa'], 'E35 a one-time code was asked');
    return payload;
  }

  keys() {
    return createRemoteJWKSet(new URL(`${this.service.issuer}/jwks`));
  }

  async userinfo(accessToken: string, how: 'get' | 'post-header' | 'post-body' = 'get') {
    const headers: Record<string, string> = how === 'post-body' ? {} : { authorization: `Bearer ${accessToken}` };
    const response = await fetch(`${this.service.issuer}/me`, {
      method: how === 'get' ? 'GET' : 'POST',
      headers,
      ...(how === 'post-body' ? { body: new URLSearchParams({ access_token: accessToken }) } : {}),
    });
    const claims = response.status === 200 ? ((await response.json()) as Record<string, unknown>) : {};
    return { status: response.status, claims };
  }
}

function halfHash(token: string): string {
  return createHash('sha256').update(token).digest().subarray(0, 16).toString('base64url');
}
