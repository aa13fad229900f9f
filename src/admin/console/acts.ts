import type { z } from 'zod';
import { Fault } from '../../errors.ts';
import {
  consoleActs,
  consoleItemActs,
  consoleRefusals,
  type ConsoleAct,
  type ConsoleItemAct,
  type ConsoleRefusal,
  type ConsoleUser,
} from '../../http/console-pages.ts';
import type { AdminScope } from '../../provider/resource-servers.ts';
import { covers, mayActOn, type Actor } from '../access.ts';
import { perform } from '../api/perform.ts';
import type { user } from '../api/user-schemas.ts';
import { frameOf, goTo, hasFreshProof, type ConsoleRequest } from './console-request.ts';
import { itemName } from './items.ts';
import { consoleUser } from './shown.ts';

interface ActRule {
  readonly operationId: string;
  readonly scope: AdminScope;
  /** The field of the answer that is shown once. */
  readonly shows?: 'recovery_url' | 'reset_url' | 'activation_url';
  readonly makesSense: (person: ConsoleUser) => boolean;
  /** Nobody does this to themselves. */
  readonly notOneself?: true;
  /** The parameter that names the thing, of an act on one of several. */
  readonly item?: 'sessionId' | 'grantId' | 'authenticatorId';
}

const rules: Readonly<Record<ConsoleAct, ActRule>> = {
  reset: {
    operationId: 'resetSecondFactor',
    scope: 'admin:second-factor',
    shows: 'recovery_url',
    makesSense: () => true,
    notOneself: true,
  },
  reopen: {
    operationId: 'reopenSecondFactor',
    scope: 'admin:second-factor',
    shows: 'recovery_url',
    makesSense: ({ factor }) => factor === 'closed',
    notOneself: true,
  },
  'end-sessions': {
    operationId: 'endSessions',
    scope: 'admin:sessions',
    makesSense: () => true,
  },
  'password-reset': {
    operationId: 'createPasswordReset',
    scope: 'admin:users',
    shows: 'reset_url',
    makesSense: ({ status }) => status === 'active',
    notOneself: true,
  },
  'activation-link': {
    operationId: 'createActivationLink',
    scope: 'admin:users',
    shows: 'activation_url',
    makesSense: ({ status, factor }) => status === 'pending' && factor !== 'enabled',
    notOneself: true,
  },
  disable: {
    operationId: 'disableUser',
    scope: 'admin:users',
    makesSense: ({ status }) => status !== 'disabled',
  },
  enable: {
    operationId: 'enableUser',
    scope: 'admin:users',
    makesSense: ({ status }) => status === 'disabled',
  },
  'end-session': { operationId: 'endSession', scope: 'admin:sessions', makesSense: () => true, item: 'sessionId' },
  'end-grant': { operationId: 'revokeGrant', scope: 'admin:sessions', makesSense: () => true, item: 'grantId' },
  'remove-authenticator': {
    operationId: 'removeAuthenticator',
    scope: 'admin:second-factor',
    makesSense: () => true,
    notOneself: true,
    item: 'authenticatorId',
  },
};

/** An act by its word in an address. */
export function actOf(text: string, ofItem: boolean): ConsoleAct | undefined {
  return (ofItem ? consoleItemActs : consoleActs).find((act) => act === text);
}

/** Whether the API would take this act of this actor on this person; what it would refuse is not offered. */
function isTaken(actor: Actor, person: ConsoleUser, act: ConsoleAct): boolean {
  const { scope, notOneself } = rules[act];
  const oneself = actor.user?.id === person.id;
  return covers(actor.scopes, scope) && mayActOn(actor, person) && !(oneself && notOneself === true);
}

/** What this actor may do with one session, grant or authenticator of this person. */
export function itemActsOf(actor: Actor, person: ConsoleUser): ConsoleItemAct[] {
  return consoleItemActs.filter((act) => isTaken(actor, person, act));
}

/** What this actor may offer this person now; the last operator stays enabled. */
export async function actsOf({ services, actor }: ConsoleRequest, person: ConsoleUser): Promise<ConsoleAct[]> {
  const acts = consoleActs.filter((act) => isTaken(actor, person, act) && rules[act].makesSense(person));
  if (!acts.includes('disable') || !person.roles.includes('operator')) return acts;
  return (await services.admin.countOperators()) > 1 ? acts : acts.filter((act) => act !== 'disable');
}

/** The page that asks once more, and names the person. */
export async function showAct(
  request: ConsoleRequest,
  id: string,
  act: ConsoleAct,
  item: string | undefined,
  refused: ConsoleRefusal | null = null,
): Promise<void> {
  const person = await findPerson(request, id);
  const reason = request.fields.get('reason') ?? '';
  const itemAct = consoleItemActs.find((one) => one === act);
  const about =
    itemAct === undefined || item === undefined ? null : { id: item, name: await itemName(request, id, itemAct, item) };
  const locals = { ...frameOf(request), act, item: about, user: person, reason, refused };
  request.services.views.page(request.ctx, 'console-act', locals, { status: refused === null ? 200 : 422 });
}

export async function doAct(request: ConsoleRequest, id: string, act: ConsoleAct, item?: string): Promise<void> {
  const { services, actor, context, fields } = request;
  const rule = rules[act];
  const path = [`/admin/users/${id}/${act}`, ...(item === undefined ? [] : [encodeURIComponent(item)])].join('/');
  if (!hasFreshProof(request, path)) return;
  const person = await findPerson(request, id);
  const reason = (fields.get('reason') ?? '').trim();
  if (reason.length < 3) return showAct(request, id, act, item, 'reason');
  let body: Readonly<Record<string, unknown>> | undefined;
  try {
    const params = { id, ...(rule.item === undefined || item === undefined ? {} : { [rule.item]: item }) };
    const given = { params, body: { reason } };
    const answer = await perform(services.admin, actor, context, rule.operationId, given);
    body = answer.body as typeof body;
  } catch (error) {
    if (!(error instanceof Fault) || error.status >= 500 || error.status === 404) throw error;
    return showAct(request, id, act, item, refusalOf(error.code));
  }
  const value = rule.shows === undefined ? undefined : body?.[rule.shows];
  if (typeof value !== 'string') return goTo(request, `/admin/users/${id}`);
  services.views.page(request.ctx, 'console-once', {
    ...frameOf(request),
    what: 'link',
    name: person.name || person.username,
    value,
    backHref: `/admin/users/${id}`,
  });
}

async function findPerson({ services, actor, context }: ConsoleRequest, id: string): Promise<ConsoleUser> {
  const answer = await perform(services.admin, actor, context, 'getUser', { params: { id } });
  return consoleUser(answer.body as z.output<typeof user>);
}

function refusalOf(code: string): ConsoleRefusal {
  return consoleRefusals.find((known) => known === code.replaceAll('_', '-')) ?? 'something';
}
