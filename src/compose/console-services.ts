import { createAccountSessions } from '../account/account-session.ts';
import type { AdminServices } from '../admin/admin-services.ts';
import type { ConsoleServices, HealthFinding } from '../admin/console/console-request.ts';
import { createHash } from 'node:crypto';
import { newToken } from '../crypto/random.ts';
import { redeemTest, type TestAddresses } from '../provider/test-sign-in.ts';
import { checkHealth } from './health-checks.ts';
import type { InteractionParts } from './interaction-services.ts';

export interface ConsoleParts extends InteractionParts {
  readonly admin: AdminServices;
  /** Path of the issuer. */
  readonly prefix: string;
  readonly testAddresses: TestAddresses;
}

/** What the console is given: the same session as the account page reads, under a client of its own. */
export function createConsoleServices(parts: ConsoleParts): ConsoleServices {
  const { services, admin, views, csrf, cookies, requestContext, prefix, provider, testAddresses } = parts;
  const { inTransaction, settings, clock } = services;
  const sessions = createAccountSessions({
    provider,
    cookies,
    findUser: admin.findUser,
    issuer: settings.issuer,
    epochSeconds: () => clock.epochSeconds(),
    surface: 'admin',
    freshSeconds: settings.adminFreshSeconds,
  });
  const { issuer } = settings;
  return {
    testSignIn: {
      begin(clientId, { scope, loginHint, anew }) {
        // Nobody redeems the code by its verifier: the page looks at what it is worth.
        const challenge = createHash('sha256').update(newToken()).digest('base64url');
        const query = new URLSearchParams({
          client_id: clientId,
          redirect_uri: testAddresses.make(clientId),
          response_type: 'code',
          scope,
          login_hint: loginHint,
          state: newToken(18),
          code_challenge: challenge,
          code_challenge_method: 'S256',
          ...(anew ? { prompt: 'login' } : {}),
        });
        return `${prefix}/auth?${query.toString()}`;
      },
      isMine: (clientId, path) => testAddresses.isMine(clientId, `${issuer}${path}`),
      redeem: (clientId, user, code) => redeemTest(provider(), clientId, user, code),
    },
    async checkHealth() {
      const findings: HealthFinding[] = [];
      for await (const { advice = null, ...finding } of checkHealth(services)) findings.push({ ...finding, advice });
      return findings;
    },
    admin,
    views,
    csrf,
    prefix,
    requestContext,
    sessions: {
      ...sessions,
      end: ({ uid, user }, context) =>
        inTransaction(async ({ sessions: stored, audit }) => {
          await stored.end(uid, 'sign-out');
          const event = { actor: user.id, target: user.id, result: 'success', reason: 'sign-out', context } as const;
          await audit.record({ ...event, type: 'session.ended' });
        }),
    },
  };
}
