import { createHash } from 'node:crypto';
import {
  errors,
  type Adapter,
  type Client,
  type KoaContextWithOIDC,
  type Provider,
  type ResourceServer,
} from 'oidc-provider';
import {
  buildTokenResponse,
  checkDpopReplay,
  checkDpopRequired,
  checkMtlsCert,
  validateDpop,
} from 'oidc-provider/lib/helpers/grants.js';
import { tokenExchangeGrant, tokenExchangePolicyOf } from '../relying-parties/token-exchange-policy.ts';
import { newToken } from '../crypto/random.ts';
import { own } from './own-client-metadata.ts';
import type { Actor, SubjectToken, SubjectTokens } from './subject-tokens.ts';

/** What came of a request for an exchange, for the record. */
export interface ExchangeOutcome {
  readonly clientId: string;
  /** Undefined where the subject token told of nobody. */
  readonly subject: Pick<SubjectToken, 'accountId' | 'clientId'> | undefined;
  readonly audience: string;
  readonly scopes: string;
  /** The error's code; undefined where a token was given. */
  readonly refused: string | undefined;
}

export interface TokenExchangeDependencies {
  readonly subjectTokens: SubjectTokens;
  readonly adapter: (model: string) => Adapter;
  /** An API of the operator's for this client, with the scopes it may ask for. Throws `invalid_target`. */
  readonly operatorsApi: (audience: string, client: Client) => ResourceServer | Promise<ResourceServer>;
  /** Whether what was proven for the subject token is enough for this client. */
  readonly isProofEnough: (accountId: string, clientId: string, acr: string | undefined) => Promise<boolean>;
  readonly onExchange: (outcome: ExchangeOutcome) => Promise<void>;
  readonly epochSeconds: () => number;
}

const accessTokenType = 'urn:ietf:params:oauth:token-type:access_token';
const parameters = [
  'resource',
  'audience',
  'scope',
  'requested_token_type',
  'subject_token',
  'subject_token_type',
  'actor_token',
  'actor_token_type',
];
/** How many may stand in a chain of `act`, the one that asks included. */
const longestChain = 4;
/** Where the API itself says no less. */
const longestSeconds = 300;

const delegations = new WeakMap<object, Record<string, unknown>>();

/** The claims of a token that was exchanged; undefined for any other. */
export function delegationOf(token: unknown): Record<string, unknown> | undefined {
  return typeof token === 'object' && token !== null ? delegations.get(token) : undefined;
}

/**
 * Token exchange (RFC 8693) for delegation alone: the answer says in `act` who acts for the person, and never more than
 * the token that was brought says and allows. What may be exchanged is the operator's word on each client.
 */
export function offerTokenExchange(provider: Provider, dependencies: TokenExchangeDependencies): void {
  const handler = async (ctx: KoaContextWithOIDC): Promise<void> => {
    const seen: { -readonly [Name in keyof ExchangeOutcome]: ExchangeOutcome[Name] } = {
      clientId: clientOf(ctx).clientId,
      subject: undefined,
      audience: '',
      scopes: '',
      refused: undefined,
    };
    try {
      await exchange(provider, ctx, dependencies, seen);
    } catch (error) {
      if (error instanceof errors.OIDCProviderError && error.status < 500) {
        await dependencies.onExchange({ ...seen, refused: error.error });
      }
      throw error;
    }
  };
  provider.registerGrantType(tokenExchangeGrant, handler, parameters, ['resource', 'audience']);
}

async function exchange(
  provider: Provider,
  ctx: KoaContextWithOIDC,
  dependencies: TokenExchangeDependencies,
  seen: { subject: ExchangeOutcome['subject']; audience: string; scopes: string },
): Promise<void> {
  const client = clientOf(ctx);
  const policy = tokenExchangePolicyOf(own(client, 'tokenExchange'));
  if (policy === undefined || client.clientAuthMethod === 'none') {
    throw new errors.UnauthorizedClient('this client may exchange nothing');
  }
  const { subject_token: value, scope } = checkForm(ctx.oidc.params ?? {});
  const audience = onlyAudience(ctx.oidc.params ?? {});
  seen.audience = audience.slice(0, 500);

  const subject = await dependencies.subjectTokens.find(provider, value);
  seen.subject = subject;
  // One sentence for all that is wrong with it: nobody learns here what a token of somebody else's is worth.
  const mayBring =
    subject !== undefined &&
    policy.subjectClients.includes(subject.clientId) &&
    policy.subjectAudiences.includes(subject.audience);
  if (!mayBring) throw new errors.InvalidRequest('the subject token is not accepted');
  if (!policy.audiences.includes(audience)) {
    throw new errors.InvalidTarget('this client may not exchange for this audience');
  }
  const server = await dependencies.operatorsApi(audience, client);
  const act = actorsOf(client.clientId, subject.extra.act);
  if (!(await dependencies.isProofEnough(subject.accountId, client.clientId, subject.extra.acr))) {
    throw new errors.InvalidRequest('the subject token proves too little for this client');
  }
  const granted = narrowed(scope, subject.scopes, new Set(server.scope.split(' ')));
  seen.scopes = granted;

  const proof = await validateDpop(provider, ctx);
  checkDpopRequired(provider, ctx, proof);
  const certificate = checkMtlsCert(provider, ctx);
  const bound = certificate === undefined ? undefined : thumbprintOf(certificate);
  checkBinding(subject, client.clientId, proof?.thumbprint, bound);
  await checkDpopReplay(provider, ctx, proof, client.clientId);

  const now = dependencies.epochSeconds();
  const expiresIn = Math.max(1, Math.min(server.accessTokenTTL ?? longestSeconds, subject.expiresAt - now));
  const under = { clientId: client.clientId, audience, scopes: granted, expiresIn, now };
  const token = new provider.AccessToken({
    client,
    accountId: subject.accountId,
    grantId: await grantUnder(dependencies.adapter('Grant'), subject, under),
    sessionUid: subject.sessionUid,
    gty: tokenExchangeGrant,
    expiresIn,
  }) as unknown as ExchangedToken;
  token.resourceServer = new provider.ResourceServer(audience, server);
  token.scope = granted;
  if (certificate !== undefined) token.setThumbprint('x5t', certificate);
  if (proof !== undefined) token.setThumbprint('jkt', proof.thumbprint);
  const { acr, amr, auth_time } = subject.extra;
  delegations.set(token, { ...(acr === undefined ? {} : { acr, amr, auth_time }), act });
  ctx.oidc.entity('AccessToken', token);
  const accessToken = await token.save();
  await dependencies.onExchange({
    clientId: client.clientId,
    subject,
    audience,
    scopes: granted,
    refused: undefined,
  });
  ctx.body = buildTokenResponse(provider, {
    accessToken,
    issuedTokenType: accessTokenType,
    expiresIn: token.expiration,
    scope: granted,
    tokenType: token.tokenType,
  });
}

interface ExchangedToken {
  resourceServer: unknown;
  scope: string;
  readonly expiration: number;
  readonly tokenType: string;
  setThumbprint(kind: 'x5t' | 'jkt', input: string): void;
  save(): Promise<string>;
}

function clientOf(ctx: KoaContextWithOIDC): Client {
  const { client } = ctx.oidc;
  if (client === undefined) throw new errors.InvalidClient('client authentication is required');
  return client;
}

/** What RFC 8693 section 2.1 demands of the request, and what is taken here of what it leaves open. */
function checkForm(given: Readonly<Record<string, unknown>>): { subject_token: string; scope: string | undefined } {
  const { subject_token: value, subject_token_type: type, requested_token_type: wanted, scope } = given;
  if (typeof value !== 'string' || value === '') throw new errors.InvalidRequest('subject_token is missing');
  if (type !== accessTokenType) throw new errors.InvalidRequest('subject_token_type must be that of an access token');
  if (wanted !== undefined && wanted !== accessTokenType) {
    throw new errors.InvalidRequest('only access tokens are given in exchange');
  }
  if (given['actor_token'] !== undefined || given['actor_token_type'] !== undefined) {
    throw new errors.InvalidRequest('there is no actor_token here: who acts is the client that asks');
  }
  return { subject_token: value, scope: typeof scope === 'string' ? scope : undefined };
}

function onlyAudience({ resource, audience }: Readonly<Record<string, unknown>>): string {
  const named = new Set([resource, audience].flat().filter((one) => one !== undefined && one !== ''));
  const [only] = named;
  if (named.size !== 1 || typeof only !== 'string') {
    throw new errors.InvalidTarget('name one audience, by resource or audience');
  }
  return only;
}

/** Whoever acted before stays named, and nobody acts twice: a chain that comes back to a client has no end. */
function actorsOf(clientId: string, before: Actor | undefined): Actor {
  let length = 1;
  for (let actor = before; actor !== undefined; actor = actor.act) {
    length += 1;
    if (actor.sub === clientId) throw new errors.InvalidRequest('this client acts in this chain already');
  }
  if (length > longestChain) throw new errors.InvalidRequest('the chain of those who act is too long');
  return { sub: clientId, ...(before === undefined ? {} : { act: before }) };
}

function narrowed(asked: string | undefined, had: ReadonlySet<string>, allowed: ReadonlySet<string>): string {
  const most = [...had].filter((name) => allowed.has(name));
  const wanted = asked === undefined ? most : asked.split(' ').filter((name) => name !== '');
  if (wanted.length === 0) throw new errors.InvalidScope('nothing of the subject token is left here', asked ?? '');
  const beyond = wanted.filter((name) => !most.includes(name));
  if (beyond.length > 0) throw new errors.InvalidScope('only scopes of the subject token', beyond.join(' '));
  return [...new Set(wanted)].join(' ');
}

/**
 * A bound token never becomes one that whoever finds it may use. Its own client proves the same key again; another, which
 * received it with a proof, binds the new token to a key of its own.
 */
function checkBinding(
  subject: SubjectToken,
  clientId: string,
  jkt: string | undefined,
  certificate: string | undefined,
): void {
  if (subject.jkt === undefined && subject.certificate === undefined) return;
  const same = subject.jkt === undefined ? certificate === subject.certificate : jkt === subject.jkt;
  const isBound = jkt !== undefined || certificate !== undefined;
  if (subject.clientId === clientId ? !same : !isBound) {
    throw new errors.InvalidRequest('the subject token is bound to a key, and the request proves none that fits');
  }
}

function thumbprintOf(certificate: string): string {
  const der = Buffer.from(certificate.replaceAll(/-----(?:BEGIN|END) CERTIFICATE-----|\s|=/g, ''), 'base64');
  return createHash('sha256').update(der).digest('base64url');
}

/**
 * The grant of the client that acts, so that the person sees it among the applications and may end it. It stands under the
 * one the subject token came from and is dead when that is; it serves this one token, for no later exchange may revive it.
 */
async function grantUnder(
  grants: Adapter,
  { grantId, accountId }: SubjectToken,
  {
    clientId,
    audience,
    scopes,
    expiresIn,
    now,
  }: {
    readonly clientId: string;
    readonly audience: string;
    readonly scopes: string;
    readonly expiresIn: number;
    readonly now: number;
  },
): Promise<string> {
  const parent = await grants.find(grantId);
  if (parent === undefined) throw new errors.InvalidRequest('the subject token is not accepted');
  const jti = newToken();
  const root = (parent as { parent?: string }).parent ?? grantId;
  const payload = { jti, kind: 'Grant', accountId, clientId, resources: { [audience]: scopes }, parent: root };
  await grants.upsert(jti, { ...payload, iat: now, exp: now + expiresIn }, expiresIn);
  return jti;
}
