import type { z } from 'zod';
import { Fault } from '../../errors.ts';
import { consoleRefusals, type ConsoleAct, type ConsoleRefusal, type ConsoleUser } from '../../http/console-pages.ts';
import type { AdminScope } from '../../provider/resource-servers.ts';
import { covers, type Actor } from '../access.ts';
import { perform } from '../api/perform.ts';
import type { user } from '../api/user-schemas.ts';
import { frameOf, goTo, hasFreshProof, type ConsoleRequest } from './console-request.ts';
import { consoleUser } from './shown.ts';

interface ActRule {
  readonly operationId: string;
  readonly scope: AdminScope;
  /** The field of the answer that is shown once. */
  readonly shows?: 'recovery_url' | 'reset_url' | 'activation_url';
  readonly makesSense: (person: ConsoleUser) => boolean;
}

const rules: Readonly<Record<ConsoleAct, ActRule>> = {
  reset: {
    operationId: 'resetSecondFactor',
    scope: 'admin:second-factor',
    shows: 'recovery_url',
    makesSense: () => true,
  },
  reopen: {
    operationId: 'reopenSecondFactor',
    scope: 'admin:second-factor',
    shows: 'recovery_url',
    makesSense: ({ factor }) => factor === 'closed',
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
  },
  'activation-link': {
    operationId: 'createActivationLink',
    scope: 'admin:users',
    shows: 'activation_url',
    makesSense: ({ status, factor }) => status === 'pending' && factor !== 'enabled',
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
};

/** What this actor may offer this person now. */
export function actsOf(actor: Actor, person: ConsoleUser): ConsoleAct[] {
  return (Object.keys(rules) as ConsoleAct[]).filter(
    (act) => covers(actor.scopes, rules[act].scope) && rules[act].makesSense(person),
  );
}

/** The page that asks once more, and names the person. */
export async function showAct(
  request: ConsoleRequest,
  id: string,
  act: ConsoleAct,
  refused: ConsoleRefusal | null = null,
): Promise<void> {
  const person = await findPerson(request, id);
  const reason = request.fields.get('reason') ?? '';
  const locals = { ...frameOf(request), act, user: person, reason, refused };
  request.services.views.page(request.ctx, 'console-act', locals, { status: refused === null ? 200 : 422 });
}

export async function doAct(request: ConsoleRequest, id: string, act: ConsoleAct): Promise<void> {
  const { services, actor, context, fields } = request;
  const rule = rules[act];
  if (!hasFreshProof(request, `/admin/users/${id}/${act}`)) return;
  const person = await findPerson(request, id);
  const reason = (fields.get('reason') ?? '').trim();
  if (reason.length < 3) return showAct(request, id, act, 'reason');
  let body: Readonly<Record<string, unknown>> | undefined;
  try {
    const given = { params: { id }, body: { reason } };
    const answer = await perform(services.admin, actor, context, rule.operationId, given);
    body = answer.body as typeof body;
  } catch (error) {
    if (!(error instanceof Fault) || error.status >= 500 || error.status === 404) throw error;
    return showAct(request, id, act, refusalOf(error.code));
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
