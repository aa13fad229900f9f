import type { Context } from 'koa';
import type { RequestContext } from '../../domain/audit-event.ts';
import type { User } from '../../domain/user.ts';
import { Forbidden } from '../../errors.ts';
import type { ConsoleFrame, ConsoleSection } from '../../http/console-pages.ts';
import type { Csrf } from '../../http/csrf.ts';
import { readFields, type Fields } from '../../http/forms.ts';
import { setReader } from '../../http/reader.ts';
import type { Views } from '../../http/views.ts';
import type { AdminScope } from '../../provider/resource-servers.ts';
import { covers, scopesOfRoles, type Actor } from '../access.ts';
import { perform, type Performed } from '../api/perform.ts';
import type { AdminServices } from '../admin-services.ts';

/** The engine's session of somebody at the console. */
export interface ConsoleSession {
  readonly uid: string;
  readonly user: User;
  readonly signedInAt: number;
}

export interface ConsoleSessions {
  /** Undefined unless both factors were proven in it and the person is there and enabled. */
  readonly read: (ctx: Context) => Promise<ConsoleSession | undefined>;
  readonly isFresh: (session: ConsoleSession) => boolean;
  readonly startSignIn: (ctx: Context, returnTo: string, again: boolean) => void;
  readonly finishSignIn: (ctx: Context) => void;
  readonly end: (session: ConsoleSession, context: RequestContext) => Promise<void>;
}

export interface ConsoleServices {
  readonly admin: AdminServices;
  readonly sessions: ConsoleSessions;
  readonly views: Views;
  readonly csrf: Csrf;
  /** Path of the issuer. */
  readonly prefix: string;
  readonly requestContext: (ctx: Context) => RequestContext;
  readonly testSignIn: TestSignIn;
  /** Everything an operator would look at, and what to do about it. */
  readonly checkHealth: () => Promise<readonly HealthFinding[]>;
}

/** Signing in for a relying party to see what it would be told. */
export interface TestSignIn {
  /** The address of the request. */
  begin(clientId: string, request: { scope: string; loginHint: string; anew: boolean }): string;
  /** Whether this path of ours was made for a test of that relying party, lately. */
  isMine(clientId: string, path: string): boolean;
  /** Undefined where the code is not this person's, or was used. */
  redeem(
    clientId: string,
    user: User,
    code: string,
  ): Promise<{ readonly scopes: readonly string[]; readonly claims: Readonly<Record<string, unknown>> } | undefined>;
}

export interface HealthFinding {
  readonly check: string;
  readonly state: 'ok' | 'warning' | 'failed';
  readonly what: string;
  readonly advice: string | null;
}

/** One request of somebody with a role. */
export interface ConsoleRequest {
  readonly ctx: Context;
  readonly services: ConsoleServices;
  readonly session: ConsoleSession;
  readonly actor: Actor;
  readonly fields: Fields;
  readonly context: RequestContext;
}

const sectionScopes: Readonly<Record<ConsoleSection, AdminScope>> = {
  users: 'admin:users:read',
  clients: 'admin:clients:read',
  keys: 'admin:keys:read',
  audit: 'admin:audit:read',
  report: 'admin:users:read',
  health: 'admin:audit:read',
};

/**
 * Reads session and form; answers undefined (and sends to the sign-in) where nobody is signed in with two factors.
 * Throws `Forbidden` where the person has no role; that is recorded.
 */
export async function loadConsoleRequest(ctx: Context, services: ConsoleServices): Promise<ConsoleRequest | undefined> {
  const session = await services.sessions.read(ctx);
  if (session === undefined) {
    services.sessions.startSignIn(ctx, ctx.method === 'GET' ? ctx.path : '/admin', false);
    return undefined;
  }
  const { user, uid } = session;
  setReader(ctx, { personLocale: user.locale, timeZone: user.zoneinfo });
  const context = services.requestContext(ctx);
  if (user.roles.length === 0) {
    const details = { method: ctx.method, path: '/admin', code: 'forbidden' };
    const event = { actor: user.id, target: '', result: 'failure', details, context } as const;
    await services.admin.record({ ...event, type: 'access.refused' });
    throw new Forbidden('forbidden', 'the console is for people with a role');
  }
  const fields: Fields = ctx.method === 'POST' ? await readFields(ctx) : new Map();
  if (ctx.method === 'POST') services.csrf.check(ctx, fields, `console:${uid}`);
  const actor: Actor = { id: user.id, user, clientId: 'twofold-console', scopes: scopesOfRoles(user.roles) };
  return { ctx, services, session, actor, fields, context };
}

export function frameOf({ services, session, actor }: ConsoleRequest): ConsoleFrame {
  const { user, uid } = session;
  const name = typeof user.claims['name'] === 'string' ? user.claims['name'] : user.username;
  const sections = (Object.keys(sectionScopes) as ConsoleSection[]).filter((section) =>
    covers(actor.scopes, sectionScopes[section]),
  );
  return { csrf: services.csrf.token(`console:${uid}`), person: { name, username: user.username }, sections };
}

export function goTo({ ctx, services }: ConsoleRequest, path: string): void {
  ctx.status = 303;
  ctx.set('Location', `${services.prefix}${path}`);
  ctx.body = '';
}

/** A page of a list, as the API answers it. */
export interface Listed<Item> {
  readonly items: readonly Item[];
  readonly next_cursor: string | null;
  readonly total?: number;
}

/** What a call of the API answers to this person. */
export async function ask<Body>(
  { services, actor, context }: ConsoleRequest,
  operationId: string,
  given?: Performed,
): Promise<Body> {
  return (await perform(services.admin, actor, context, operationId, given)).body as Body;
}

/** Two factors proven lately; otherwise the person signs in again and comes back to `returnTo`. */
export function hasFreshProof({ ctx, services, session }: ConsoleRequest, returnTo: string): boolean {
  if (services.sessions.isFresh(session)) return true;
  services.sessions.startSignIn(ctx, returnTo, true);
  return false;
}

/** A parameter of the address as text, '' where it is absent or given twice. */
export function queryOf({ ctx }: ConsoleRequest, name: string): string {
  const value = ctx.query[name];
  return typeof value === 'string' ? value.slice(0, 300) : '';
}
