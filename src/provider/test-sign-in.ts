import type { Client, Provider } from 'oidc-provider';
import { createSignatures } from '../crypto/signatures.ts';
import type { User } from '../domain/user.ts';
import { accountOf } from './claims.ts';
import { subjectOf } from './pairwise-subject.ts';

/** Addresses at which an operator's test of a relying party ends: with us, instead of with the relying party. */
export interface TestAddresses {
  /** An address that this relying party may use for ten minutes. */
  make(clientId: string): string;
  isMine(clientId: string, address: string): boolean;
}

const lifetimeSeconds = 600;

/**
 * Nothing is registered for a test: the address carries its end and a MAC over it and the client, and is one of the
 * issuer's own pages. `keys` is the ring of COOKIE_KEYS.
 */
export function createTestAddresses(
  issuer: string,
  keys: readonly string[],
  epochSeconds: () => number,
): TestAddresses {
  const signatures = createSignatures(keys, 'test-sign-in');
  const base = (clientId: string): string => `${issuer}/admin/clients/${encodeURIComponent(clientId)}/test/`;
  return {
    make(clientId) {
      const until = String(epochSeconds() + lifetimeSeconds);
      return `${base(clientId)}${until}.${signatures.sign(`${until}:${clientId}`)}`;
    },
    isMine(clientId, address) {
      if (!address.startsWith(base(clientId))) return false;
      const [, until = '', given = ''] = /^(\d{10})\.([\w-]{43})$/.exec(address.slice(base(clientId).length)) ?? [];
      if (Number(until) < epochSeconds()) return false;
      return signatures.verify(`${until}:${clientId}`, given);
    },
  };
}

/** Lets a test's address stand beside those that a client registered. */
export function allowTestAddresses(provider: Provider, addresses: TestAddresses): void {
  const client = provider.Client.prototype as unknown as { redirectUriAllowed(address: string): boolean };
  const registered = client.redirectUriAllowed;
  client.redirectUriAllowed = function allowed(this: { clientId: string }, address: string) {
    return registered.call(this, address) || addresses.isMine(this.clientId, address);
  };
}

export interface TestResult {
  readonly scopes: readonly string[];
  /** What the relying party would be told of the person, in the protocol's names. */
  readonly claims: Readonly<Record<string, unknown>>;
}

/** What a code of a test is worth. The code is used up; undefined where it is another client's or person's. */
export async function redeemTest(
  provider: Provider,
  clientId: string,
  user: User,
  value: string,
): Promise<TestResult | undefined> {
  const code = await provider.AuthorizationCode.find(value);
  const client: Client | undefined = await provider.Client.find(clientId);
  if (code === undefined || client === undefined) return undefined;
  if (code.clientId !== clientId || code.accountId !== user.id) return undefined;
  await code.destroy();
  const scope = code.scope ?? '';
  const { acr, amr, authTime } = code as { acr?: string; amr?: string[]; authTime?: number };
  const all = accountOf(user).claims('id_token', scope, {}, []);
  const claims = new (provider as unknown as ClaimsModel).Claims(all, { ctx: undefined, client });
  claims.scope(scope);
  const told = { ...(await claims.result()), sub: subjectOf(provider, client, user.id), acr, amr, auth_time: authTime };
  return { scopes: scope.split(' ').filter(Boolean), claims: told };
}

interface ClaimsModel {
  readonly Claims: new (
    available: object,
    options: object,
  ) => { scope(value: string): void; result(): Promise<Record<string, unknown>> };
}
