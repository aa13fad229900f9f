import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { UnsecuredJWT } from 'jose';
import type { Module, World } from './world.ts';

/** Modules about what must be refused, or may be. */
export const refusalModules: Readonly<Record<string, Module>> = {
  'oidcc-response-type-missing': async ({ party, newcomer }) => {
    const { agent } = await newcomer();
    const request = party.request({ response_type: undefined });
    const step = await party.open(agent, request);
    if (step.page !== 'left') return assert.equal(step.status, 400);
    const error = party.readAnswer(step, request.get('state')).get('error') ?? '';
    assert.match(error, /^(?:invalid_request|unsupported_response_type)$/);
  },

  'oidcc-codereuse': (world) => useTwice(world, 0),
  'oidcc-codereuse-30seconds': (world) => useTwice(world, 30_000),

  'oidcc-ensure-registered-redirect-uri': async ({ party, newcomer }) => {
    const { agent } = await newcomer();
    const step = await party.open(agent, party.request({ redirect_uri: `${party.redirectUri}/unregistered` }));
    assert.equal(step.page, 'error');
    assert.equal(step.status, 400);
  },

  'oidcc-ensure-post-request-succeeds': async ({ party, service, newcomer }) => {
    const { person, agent } = await newcomer();
    const request = party.request();
    const answer = await agent.request('/auth', { method: 'POST', body: request });
    // A browser follows with GET, whatever it posted.
    assert.equal(answer.status, 303);
    const at = new URL(answer.headers.get('location') ?? '', service.issuer);
    const { step } = await party.goThrough(agent, await agent.follow(at.href), person);
    const parameters = party.readAnswer(step, request.get('state'));
    const nonce = request.get('nonce') ?? '';
    await party.tokensOf({ parameters, nonce, pages: [], state: '' });
  },

  'oidcc-request-uri-unsigned-supported-correctly-or-rejected-as-unsupported': async ({ party, newcomer }) => {
    const { agent } = await newcomer();
    const request = party.request({ request_uri: 'https://requests.example/object' });
    const step = await party.open(agent, request);
    if (step.page === 'left') {
      const error = party.readAnswer(step, request.get('state')).get('error') ?? '';
      assert.match(error, /^(?:request_uri_not_supported|invalid_request_uri|invalid_request)$/);
    } else assert.equal(step.status, 400);
  },

  'oidcc-unsigned-request-object-supported-correctly-or-rejected-as-unsupported': async (world) => {
    const { party, newcomer } = world;
    const { agent } = await newcomer();
    const request = party.request();
    request.set('request', unsigned(world, Object.fromEntries(request)));
    assertRefusedObject(world, await party.open(agent, request), request);
    const metadata = await discovery(world);
    assert.ok(!(metadata['request_object_signing_alg_values_supported'] ?? []).includes('none'));
  },

  // The object is unsigned, hence refused; what it says is not used, and the wrong address outside is not answered.
  'oidcc-ensure-request-object-with-redirect-uri': async (world) => {
    const { party, newcomer } = world;
    const { agent } = await newcomer();
    const request = party.request();
    request.set('request', unsigned(world, Object.fromEntries(request)));
    request.set('redirect_uri', `${party.redirectUri}/unregistered`);
    const step = await party.open(agent, request);
    assert.equal(step.page, 'error');
    assert.equal(step.status, 400);
  },
};

function unsigned({ party, service }: World, claims: Record<string, string>): string {
  return new UnsecuredJWT({ ...claims, iss: party.id, aud: service.issuer }).encode();
}

function assertRefusedObject({ party }: World, step: Awaited<ReturnType<typeof party.open>>, request: URLSearchParams) {
  if (step.page !== 'left') return assert.equal(step.status, 400);
  const error = party.readAnswer(step, request.get('state')).get('error') ?? '';
  return assert.match(error, /^(?:request_not_supported|invalid_request_object|invalid_request)$/);
}

async function discovery({ service }: World): Promise<Record<string, string[]>> {
  return (await (await fetch(`${service.issuer}/.well-known/openid-configuration`)).json()) as Record<string, string[]>;
}

/** A code that comes a second time is refused; late enough, what it brought the first time is void too (RFC 6749 section 4.1.2). */
async function useTwice({ party, newcomer }: World, milliseconds: number): Promise<void> {
  const { person, agent } = await newcomer();
  const authorization = await party.authorize(agent, person);
  const { accessToken } = await party.tokensOf(authorization);
  assert.equal((await party.userinfo(accessToken)).status, 200);
  if (milliseconds > 0) await sleep(milliseconds);
  const again = await party.redeem(authorization);
  assert.equal(again.status, 400);
  assert.equal(again.body.error, 'invalid_grant');
  assert.match(again.headers.get('cache-control') ?? '', /no-store/);
  // At once it may be the loser of a race, which is refused and no more; later it ends what the first use brought.
  if (milliseconds > 0) assert.equal((await party.userinfo(accessToken)).status, 401);
}
