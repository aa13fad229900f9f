import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { codeOf } from '../../support/user-agent.ts';
import { assertRefused, type FapiModule, type FapiWorld } from './world.ts';

const invalid = /^(?:invalid_request|unsupported_response_type|unauthorized_client|request_uri_not_supported)$/;

/** Modules of pushed requests (RFC 9126), and of what they may hold. */
export const pushedRequestModules: Readonly<Record<string, FapiModule>> = {
  // What was pushed counts, whatever stands beside it.
  'ensure-different-nonce-inside-and-outside-request-object': async (world) => {
    const pushed = await world.mustPush();
    const code = codeOf(await world.authorize(pushed, { nonce: 'outside' }));
    await world.readTokens(await world.redeem(code, pushed.verifier), pushed.fields['nonce']);
  },
  'ensure-different-state-inside-and-outside-request-object': async (world) =>
    void (await world.authorize(await world.mustPush(), { state: 'outside' })),
  'state-only-outside-request-object-not-used': async (world) =>
    void (await world.authorize(await world.mustPush({ state: undefined }), { state: 'outside' })),

  'ensure-request-object-without-redirect-uri-fails': (world) => refused(world, { redirect_uri: undefined }),
  'ensure-redirect-uri-in-authorization-request': (world) => refused(world, { redirect_uri: undefined }),
  'ensure-registered-redirect-uri': (world) => refused(world, { redirect_uri: `${world.client.redirectUri}/other` }),
  // May be taken of a client that authenticates (RFC 9126 section 2.4) or refused; here it is refused.
  'plain-fapi-tolerate-unregistered-redirect-uri': (world) =>
    refused(world, { redirect_uri: 'https://other.example/' }),

  'ensure-unsigned-authorization-request-without-using-par-fails': async (world) => {
    const { fields } = await world.mustPush();
    const { agent } = await world.newcomer();
    const query = new URLSearchParams({ client_id: world.client.id, ...fields });
    assertNoSignIn(await agent.follow(`/auth?${query.toString()}`));
  },

  'ensure-response-type-code-idtoken-fails': (world) => refused(world, { response_type: 'code id_token' }),
  'ensure-response-type-token-fails': (world) => refused(world, { response_type: 'token' }),

  'par-ensure-reused-request-uri-prior-to-auth-completion-succeeds': async (world) => {
    const pushed = await world.mustPush();
    const { agent } = await world.newcomer();
    assert.equal((await world.open(agent, pushed.uri)).page, 'password');
    await world.authorize(pushed);
  },

  'par-attempt-reuse-request_uri': async (world) => {
    const pushed = await world.mustPush();
    await world.authorize(pushed);
    const { agent } = await world.newcomer();
    assertNoSignIn(await world.open(agent, pushed.uri));
  },

  'par-attempt-to-use-expired-request_uri': async (world) => {
    const pushed = await world.mustPush();
    await sleep(Number(pushed.answer.body['expires_in']) * 1000 + 2000);
    const { agent } = await world.newcomer();
    assertNoSignIn(await world.open(agent, pushed.uri));
  },

  'par-attempt-to-use-request_uri-for-different-client': async (world) => {
    const pushed = await world.mustPush();
    const { agent } = await world.newcomer();
    assertNoSignIn(await world.open(agent, pushed.uri, { client_id: world.second.id }));
  },

  'par-authorization-request-containing-request_uri-form-param': async (world) =>
    refused(world, { request_uri: (await world.mustPush()).uri }),

  'par-attempt-invalid-http-method': async ({ issuer }) => {
    for (const method of ['GET', 'PUT', 'DELETE']) {
      const { status } = await fetch(`${issuer}/par`, { method });
      assert.ok([404, 405].includes(status), `${method} ${status}`);
    }
  },

  'par-ensure-pkce-required': (world) =>
    refused(world, { code_challenge: undefined, code_challenge_method: undefined }),
  'par-plain-pkce-rejected': (world) =>
    refused(world, { code_challenge: 'p'.repeat(43), code_challenge_method: 'plain' }),
  // The browser carries client_id and request_uri and nothing else.
  'par-without-duplicate-parameters': async (world) => void (await world.flow()),
};

async function refused(world: FapiWorld, changes: Record<string, string | undefined>): Promise<void> {
  assertRefused((await world.push(changes)).answer, 400, invalid);
}

/** No page asks for a password, and no code is answered. */
function assertNoSignIn({ page, location = '' }: { readonly page: string; readonly location?: string }): void {
  assert.ok(page === 'error' || page === 'left', page);
  if (page === 'left') assert.match(location, /[?&]error=/);
  assert.doesNotMatch(location, /[?&]code=/);
}
