import type { Context } from 'koa';
import { errors, type Provider } from 'oidc-provider';
import type { AuditEvent, RequestContext } from '../domain/audit-event.ts';
import type { AcrNames, SecondProof } from '../domain/authentication.ts';
import type { Proof } from '../domain/proof.ts';
import type { Lane } from '../domain/throttle.ts';
import type { User } from '../domain/user.ts';
import { Fault } from '../errors.ts';
import type { Csrf } from '../http/csrf.ts';
import { readFields, type Fields } from '../http/forms.ts';
import type { FormError } from '../http/page-parts.ts';
import { setReader } from '../http/reader.ts';
import type { StandingFacts } from '../policies/sign-in-facts.ts';
import type { Views } from '../http/views.ts';
import type { Standing } from '../policies/stores.ts';
import type { CheckPasswordDependencies, PasswordAttempt, PasswordOutcome } from '../users/check-password.ts';
import type { createEnrolAuthenticator } from '../second-factor/enrol-authenticator.ts';
import type { createOpenChallenge } from '../second-factor/open-challenge.ts';
import type { createRedeemRecoveryCode } from '../second-factor/redeem-recovery-code.ts';
import type { createSecondFactorStatus } from '../second-factor/status.ts';
import type { OneTimeCodeAttempt, VerifyOutcome } from '../second-factor/verify-one-time-code.ts';
import type { ProvenPerson } from '../users/sign-in-person-store.ts';
import type { createSetPassword } from '../users/set-password.ts';
import type { FirstEnrolment } from './first-enrolment.ts';
import type { PendingSignIn, PendingSignIns } from './pending-sign-in.ts';

export type { CheckPasswordDependencies };
export type Interaction = Awaited<ReturnType<Provider['interactionDetails']>>;

/** All that the steps of a sign-in need; wired once. */
export interface InteractionServices {
  readonly provider: () => Provider;
  readonly views: Views;
  readonly csrf: Csrf;
  readonly pendings: PendingSignIns;
  readonly epochSeconds: () => number;
  /** The standing facts at the client, of whoever has this name, are read beside. */
  readonly checkPassword: (
    attempt: PasswordAttempt,
    clientId: string,
  ) => Promise<{ readonly outcome: PasswordOutcome; readonly standing: Standing | undefined }>;
  readonly openChallenge: ReturnType<typeof createOpenChallenge>;
  readonly record: (event: AuditEvent) => Promise<void>;
  /** With `completing` the sign-in is recorded as complete together with the acceptance, where nothing else is to be done. */
  readonly verifyOneTimeCode: (
    ctx: Context,
    attempt: OneTimeCodeAttempt,
    completing: CompletingSignIn | undefined,
  ) => Promise<VerifyOutcome>;
  readonly redeemRecoveryCode: ReturnType<typeof createRedeemRecoveryCode>;
  readonly enrolment: ReturnType<typeof createEnrolAuthenticator>;
  /** Ten new recovery codes; the old ones are void when this returns. */
  readonly replaceRecoveryCodes: (
    userId: string,
    provenBy: Proof,
    context: RequestContext,
  ) => Promise<readonly string[]>;
  readonly status: ReturnType<typeof createSecondFactorStatus>;
  readonly setPassword: ReturnType<typeof createSetPassword>;
  readonly firstEnrolment: FirstEnrolment;
  readonly selfRegistration: boolean;
  /** What people read types of rich authorization requests as, by language. */
  readonly detailTitles: ReadonlyMap<string, Readonly<Record<string, string>>>;
  /** Whether guessing closed the second factor for the person, whatever the browser. */
  readonly isSecondFactorClosed: (userId: string) => Promise<boolean>;
  /** Whether only browsers nobody knows are held off: then a mailed link opens this one. */
  readonly isOtherLaneClosed: (userId: string) => Promise<boolean>;
  /** Mails the link that a first enrolment takes, once a sign-in; false where there is no verified address. */
  readonly mailEnrolmentLink: (userId: string, uid: string, context: RequestContext) => Promise<boolean>;
  readonly mailKnownBrowserLink: (userId: string, uid: string, context: RequestContext) => Promise<void>;
  readonly findUser: (id: string) => Promise<User | undefined>;
  /** The person with what the end of the sign-in in this browser depends on. */
  readonly findProven: (ctx: Context, userId: string) => Promise<ProvenPerson | undefined>;
  readonly acrNames: AcrNames;
  /** What person, relying party, policies and this browser contribute to the next step. */
  readonly readSignInFacts: (
    ctx: Context,
    userId: string,
    clientId: string,
    standing?: Standing,
  ) => Promise<StandingFacts>;
  /** Begins the person's grace for enrolment, unless it ever began. */
  readonly beginGrace: (userId: string) => Promise<unknown>;
  /** Trusts this browser for the person and sets its cookie; a code was just accepted in it. */
  readonly trustBrowser: (ctx: Context, userId: string, clientId: string, days: number) => Promise<void>;
  readonly requestContext: (ctx: Context) => RequestContext;
  /** The cookie of a browser that completed a sign-in before. */
  readonly browserToken: (ctx: Context) => string | undefined;
  /** With `beyondPassword`, only where more than the password was proven in it. */
  readonly isKnownBrowser: (token: string | undefined, userId: string, beyondPassword?: boolean) => Promise<boolean>;
  /** Records the completed sign-in and remembers the browser in its cookie. */
  readonly completeSignIn: (ctx: Context, completed: CompletedSignIn) => Promise<void>;
  readonly endSession: (uid: string, userId: string, context: RequestContext) => Promise<void>;
  /** Throws `Fault` (`sign_in_gone`, 400), and keeps nothing, where the session in which it was asked has ended. */
  readonly saveConsent: (
    consent: {
      readonly userId: string;
      readonly sessionUid: string;
      readonly clientId: string;
      readonly scopes: readonly string[];
    },
    context: RequestContext,
  ) => Promise<void>;
  /** `userId` is undefined where nobody proved to be anybody; `code` is the error that the relying party is told. */
  readonly recordRefusal: (
    type: 'sign-in.refused' | 'consent.refused',
    userId: string | undefined,
    clientId: string,
    code: string,
    context: RequestContext,
  ) => Promise<void>;
}

export interface CompletedSignIn {
  readonly person: ProvenPerson;
  readonly clientId: string;
  readonly acr: string;
  readonly amr: readonly string[];
  readonly proof: SecondProof;
  readonly stepUp: boolean;
}

/** What a right code completes, if the person still is whom the password proved. */
export interface CompletingSignIn extends Omit<CompletedSignIn, 'person'> {
  readonly isStillProven: (user: User) => boolean;
}

/** One request to one interaction, with what is known of it. */
export interface Step {
  readonly ctx: Context;
  readonly services: InteractionServices;
  readonly interaction: Interaction;
  readonly uid: string;
  readonly pending: PendingSignIn | undefined;
  /** Empty for a GET. */
  readonly fields: Fields;
  readonly context: RequestContext;
}

/** Five minutes from the password a first enrolment may begin; later the password is asked again. */
export const freshProofSeconds = 300;

/** The interaction this browser is in, its record, and for a POST the checked form. */
export async function loadStep(ctx: Context, services: InteractionServices): Promise<Step> {
  const { uid = '' } = (ctx as unknown as { params: { uid?: string } }).params;
  // Asked for at once, they share a round trip; the record is this browser's only where the interaction is.
  const [interaction, pending] = await Promise.all([
    services.provider().interactionDetails(ctx.req, ctx.res).catch(asSignInGone),
    services.pendings.read(uid),
  ]);
  if (interaction.uid !== uid) throw new Fault('sign_in_gone', 400, 'this sign-in was begun in another browser');
  const fields: Fields = ctx.method === 'POST' ? await readFields(ctx) : new Map();
  if (ctx.method === 'POST') {
    // A form sent twice: the first time ended the sign-in. The second changes nothing and is led on, from our own page.
    if (pending?.finishedAt != null) services.csrf.checkOrigin(ctx);
    else services.csrf.check(ctx, fields, csrfBinding(uid, pending));
  }
  const uiLocales = interaction.params['ui_locales'];
  if (typeof uiLocales === 'string') setReader(ctx, { uiLocales });
  return { ctx, services, interaction, uid, pending, fields, context: services.requestContext(ctx) };
}

/** Finished, expired, or never this browser's. */
function asSignInGone(error: unknown): never {
  if (error instanceof errors.SessionNotFound) throw new Fault('sign_in_gone', 400, 'there is no such sign-in here');
  throw error;
}

/** A parameter of the authorization request as text; '' where it is absent. */
export function parameterOf({ interaction }: Pick<Step, 'interaction'>, name: string): string {
  const value = interaction.params[name];
  return typeof value === 'string' ? value : '';
}

export function csrfBinding(uid: string, pending: PendingSignIn | undefined): string {
  return `${uid}:${pending?.id ?? ''}`;
}

export function pathOf(step: Step, name = ''): string {
  const base = new URL(step.services.provider().issuer).pathname.replace(/\/$/, '');
  return `${base}/interaction/${step.uid}${name === '' ? '' : `/${name}`}`;
}

/** A page of ours outside the sign-in, such as `/forgot-password`. */
export function hrefOf({ services }: Pick<Step, 'services'>, path: string): string {
  return `${new URL(services.provider().issuer).pathname.replace(/\/$/, '')}${path}`;
}

/** What an answer says beside the page: what was wrong, and how long to wait. */
export interface Remark {
  readonly error?: FormError;
  readonly retryAfterSeconds?: number;
  readonly status?: number;
}

/** Whether what this sign-in proved still stands: nobody disabled the person, replaced the password or ended all sessions meanwhile. */
export function isStillProven(user: User | undefined, pending: PendingSignIn): boolean {
  return user !== undefined && user.disabledAt === null && user.securityStamp === pending.securityStamp;
}

/** Told to whoever goes on all the same: the next try begins at the password. */
export const signInGone = () => new Fault('sign_in_gone', 400, 'what this sign-in proved does not stand any more');

/** Who of both lanes this browser is. */
export async function laneOf(step: Step, userId: string): Promise<Lane> {
  const known = await step.services.isKnownBrowser(step.services.browserToken(step.ctx), userId);
  return known ? 'known' : 'other';
}
