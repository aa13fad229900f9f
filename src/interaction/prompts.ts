import { errors, interactionPolicy, type KoaContextWithOIDC } from 'oidc-provider';
import { requestedAcr, type AcrNames } from '../domain/authentication.ts';
import { factsOfSession, nextStep } from '../domain/next-step.ts';
import type { StandingFacts } from '../policies/sign-in-facts.ts';
import { askedAcr } from '../provider/asked-acr.ts';
import { textOf } from '../provider/own-client-metadata.ts';

export interface JudgeDependencies {
  readonly acrNames: AcrNames;
  /** The standing facts of a person at a client, in the browser of this request. */
  readonly readFacts: (ctx: KoaContextWithOIDC, userId: string, clientId: string) => Promise<StandingFacts>;
}

/** Whether a session has something to prove for the request it comes with. */
export type SessionJudge = (ctx: KoaContextWithOIDC) => Promise<'complete' | 'incomplete' | 'unmet'>;

/** Asks the rule that the pages ask, once a request. */
export function createSessionJudge(dependencies: JudgeDependencies): SessionJudge {
  const judged = new WeakMap<object, ReturnType<SessionJudge>>();
  return (ctx) => {
    const known = judged.get(ctx.oidc);
    if (known !== undefined) return known;
    const made = judge(ctx, dependencies);
    judged.set(ctx.oidc, made);
    return made;
  };
}

async function judge(ctx: KoaContextWithOIDC, { acrNames, readFacts }: JudgeDependencies) {
  const { session, client, params } = ctx.oidc;
  checkMaxAge(params);
  const asked = requestedAcr(acrNames, askedAcr(params));
  if (asked.kind === 'unmet') return 'unmet';
  if (session?.accountId === undefined || client === undefined) return 'incomplete';
  const proven = factsOfSession(session);
  // Two factors are all that can be asked: nothing needs to be read.
  if (proven.proof !== 'none') return 'complete';
  const { step } = nextStep({
    ...proven,
    ...(await readFacts(ctx, session.accountId, client.clientId)),
    askedAcr: asked.kind === 'asked' ? asked.acr : undefined,
    asksFreshly: asksFreshly(params),
  });
  return step === 'finish' ? 'complete' : 'incomplete';
}

/** The engine takes whatever JavaScript calls a number (`1e3`, `0x10`); a whole number is written in digits. */
function checkMaxAge(params: Readonly<Record<string, unknown>> | undefined): void {
  const maxAge = params?.['max_age'];
  if (maxAge === undefined || typeof maxAge === 'number' || /^\d{1,10}$/.test(textOf(maxAge))) return;
  throw new errors.InvalidRequest('max_age is a whole number of seconds');
}

/** Whether a request wants the person to authenticate now (OpenID Connect Core section 3.1.2.1). */
export function asksFreshly(params: Readonly<Record<string, unknown>> | undefined): boolean {
  const prompt = params?.['prompt'];
  return (typeof prompt === 'string' && prompt.split(' ').includes('login')) || params?.['max_age'] !== undefined;
}

const { Check, Prompt, base } = interactionPolicy;

/**
 * The interaction policy: login, then the one-time code, then consent. Sessions are written with both factors, so the
 * `totp` prompt is the guard of every authorization, and the step-up of a session that proved less than is asked.
 */
export function createPrompts(judgeSession: SessionJudge): ReturnType<typeof base> {
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
  login.checks.add(
    // Nobody is asked for anything that could not lead to the answer wanted.
    new Check('acr_unknown', 'the requested acr is not known here', 'login_required', async (ctx) => {
      if ((await judgeSession(ctx)) !== 'unmet') return false;
      throw new errors.UnmetAuthenticationRequirements('none of the requested acr values is known here');
    }),
    0,
  );
  policy.add(
    new Prompt(
      { name: 'totp', requestable: false },
      new Check(
        'second_factor',
        'a second factor is required',
        'interaction_required',
        async (ctx) => ctx.oidc.session?.accountId !== undefined && (await judgeSession(ctx)) !== 'complete',
      ),
    ),
    1,
  );
  return policy;
}
