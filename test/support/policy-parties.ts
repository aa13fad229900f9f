import assert from 'node:assert/strict';
import { oneTimeCode, secretFromBase32, timeStepAt } from '../../src/domain/totp.ts';
import { testClient, type TestService } from './service.ts';
import { testContext } from './stores.ts';
import { claimsOf, codeOf, type StepAnswer, type Tokens } from './user-agent.ts';

/** Registers a further relying party like the tests' own, with what an operator says of it and of its policy. */
export async function addParty(
  { composed }: TestService,
  id: string,
  metadata: Record<string, unknown> = {},
  policy?: Record<string, unknown>,
): Promise<{ client_id: string }> {
  const { manageRelyingParties, managePolicies } = composed.services;
  const party = {
    client_id: id,
    client_secret: testClient.secret,
    redirect_uris: [testClient.redirectUri],
    grant_types: ['authorization_code', 'refresh_token'],
    ...metadata,
  };
  await manageRelyingParties.apply(party, 'test', testContext);
  if (policy !== undefined) await managePolicies.put(`client:${id}`, policy, 'test', testContext);
  return { client_id: id };
}

/** A call of the token, introspection or another endpoint as that client. */
export async function callAs(
  { issuer }: TestService,
  clientId: string,
  path: string,
  fields: Record<string, string>,
): Promise<Record<string, unknown>> {
  const response = await fetch(`${issuer}${path}`, {
    method: 'POST',
    body: new URLSearchParams({ ...fields, client_id: clientId, client_secret: testClient.secret }),
  });
  return (await response.json()) as Record<string, unknown>;
}

/** Registers for posting its secret, so that `callAs` works. */
export const byPost = { token_endpoint_auth_method: 'client_secret_post' };

export async function redeemAs(
  service: TestService,
  clientId: string,
  finished: StepAnswer & { verifier: string },
): Promise<Tokens> {
  const tokens = await callAs(service, clientId, '/token', {
    grant_type: 'authorization_code',
    code: codeOf(finished),
    code_verifier: finished.verifier,
    redirect_uri: testClient.redirectUri,
  });
  assert.equal(tokens['error'], undefined);
  return tokens as unknown as Tokens;
}

export async function claimsAs(
  service: TestService,
  clientId: string,
  finished: StepAnswer & { verifier: string },
): Promise<Record<string, unknown>> {
  return claimsOf(await redeemAs(service, clientId, finished));
}

/** The code that an app which just scanned the picture shows. */
export function codeForPicture(service: TestService, step: StepAnswer): string {
  const secret = secretFromBase32(step.enrolment?.secret ?? '');
  assert.ok(secret);
  const now = service.composed.services.clock.epochSeconds();
  return oneTimeCode({ secret, algorithm: 'SHA1', digits: 6, periodSeconds: 30 }, timeStepAt(now, 30));
}
