import { errors, interactionPolicy, type KoaContextWithOIDC } from 'oidc-provider';
import { provedTwoFactors, requestedAcr, satisfies, type AcrNames } from '../domain/authentication.ts';
import { askedAcrValues } from '../provider/asked-acr.ts';

export interface PromptFacts {
  readonly acrNames: AcrNames;
  /** Whether policy asks a second factor of this person at this client; who has one is always asked. */
  readonly needsSecondFactor: (userId: string, clientId: string) => Promise<boolean>;
}

const { Check, Prompt, base } = interactionPolicy;

/**
 * The interaction policy: login, then the one-time code, then consent. Sessions are written with both factors, so the
 * `totp` prompt is the guard of every authorization, and the step-up of a session that proved less than is asked.
 */
export function createPrompts(facts: PromptFacts): ReturnType<typeof base> {
  const policy = base();
  const login = policy.get('login');
  if (login === undefined) throw new Error('the engine has no login prompt');
  // The stock checks would ask for the password again and again where only a code is missing.
  login.checks.remove('essential_acr');
  login.checks.remove('essential_acrs');
  login.checks.add(
    new Check(
      'account_missing',
      'the account is not there any more',
      'login_required',
      (ctx) => ctx.oidc.session?.accountId !== undefined && ctx.oidc.account === undefined,
    ),
    0,
  );
  policy.add(
    new Prompt(
      { name: 'totp', requestable: false },
      new Check('second_factor', 'a second factor is required', 'interaction_required', (ctx) =>
        isSecondFactorMissing(ctx, facts),
      ),
    ),
    1,
  );
  return policy;
}

async function isSecondFactorMissing({ oidc }: KoaContextWithOIDC, facts: PromptFacts): Promise<boolean> {
  const { session, client } = oidc;
  if (session?.accountId === undefined || client === undefined) return false;
  const reached = provedTwoFactors(session.acr, session.amr) ? session.acr : undefined;
  const asked = requestedAcr(facts.acrNames, askedAcrValues(oidc));
  if (asked.kind === 'unmet') {
    throw new errors.UnmetAuthenticationRequirements('none of the requested acr values is known here');
  }
  if (reached !== undefined) return false;
  if (asked.kind === 'asked' && !satisfies(session.acr, asked.acr)) return true;
  return facts.needsSecondFactor(session.accountId, client.clientId);
}
