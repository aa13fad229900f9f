import { createHash, randomBytes } from 'node:crypto';
import type { TestPerson, TestService } from './service.ts';
import { testContext } from './stores.ts';
import { codeOf, UserAgent } from './user-agent.ts';

/** A first-party application that works on the account by the account API, as a public client. */
export const accountApp = { id: 'account-app', redirectUri: 'https://app.example/callback' };

export async function registerAccountApp({ composed }: TestService): Promise<void> {
  await composed.services.manageRelyingParties.apply(
    {
      client_id: accountApp.id,
      client_name: 'Account app',
      token_endpoint_auth_method: 'none',
      redirect_uris: [accountApp.redirectUri],
      grant_types: ['authorization_code', 'refresh_token'],
      scope: 'openid account offline_access',
      first_party: true,
    },
    'test',
    testContext,
  );
}

export interface AppTokens {
  readonly access_token: string;
  readonly token_type: string;
  readonly scope?: string;
  readonly refresh_token?: string;
  readonly error?: string;
}

/** Asks the token endpoint as the application does. */
export async function appToken(
  issuer: string,
  fields: Record<string, string>,
  headers: Record<string, string> = {},
): Promise<AppTokens> {
  const body = new URLSearchParams({ client_id: accountApp.id, ...fields });
  const response = await fetch(`${issuer}/token`, { method: 'POST', body, headers });
  return (await response.json()) as AppTokens;
}

/** Signs the person in for the application; answers the redemption's fields, ready to be sent. */
export async function signInForApp(
  { issuer }: TestService,
  person: TestPerson,
  parameters: Record<string, string> = {},
  agent = new UserAgent(issuer),
): Promise<Record<string, string>> {
  const verifier = randomBytes(32).toString('base64url');
  const resource = `${issuer}/account`;
  let step = await agent.begin({
    client_id: accountApp.id,
    redirect_uri: accountApp.redirectUri,
    scope: 'openid account',
    resource,
    code_challenge: createHash('sha256').update(verifier).digest('base64url'),
    ...parameters,
  });
  if (step.page === 'password') step = { ...(await agent.submitPassword(step, person)), verifier };
  if (step.page === 'one-time-code') step = { ...(await agent.submit(step, { code: person.code() })), verifier };
  if (step.page === 'consent') step = { ...(await agent.submit(step, { decision: 'allow' })), verifier };
  return {
    grant_type: 'authorization_code',
    code: codeOf(step),
    code_verifier: verifier,
    redirect_uri: accountApp.redirectUri,
    resource,
  };
}

/** An access token for the account API from a sign-in with both factors. */
export async function accountToken(service: TestService, person: TestPerson, agent?: UserAgent): Promise<string> {
  const tokens = await appToken(service.issuer, await signInForApp(service, person, {}, agent));
  return tokens.access_token;
}
