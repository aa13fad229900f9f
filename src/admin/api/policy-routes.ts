import { z } from 'zod';
import { route, type Route } from './route.ts';
import { timestamp } from './schemas.ts';

const key = z
  .string()
  .min(1)
  .max(300)
  .describe('`default`, `client:ID`, `role:NAME` or `user:ID`.')
  .meta({ example: 'role:operator' });
const params = z.strictObject({ key });

const document = {
  second_factor: z.enum(['required', 'optional']).optional(),
  grace_days: z.int().min(0).max(90).optional().describe('Days for which an enrolment may be put off.'),
  acr_values: z.array(z.string().max(300)).max(10).optional(),
  trusted_browser_days: z.int().min(0).max(30).nullable().optional(),
};

const policy = z
  .object({
    key,
    second_factor: z.string().nullable().optional(),
    grace_days: z.int().optional(),
    acr_values: z.array(z.string()).optional(),
    trusted_browser_days: z.int().nullable().optional(),
    source: z.enum(['settings', 'operator']),
    updated_at: timestamp,
  })
  .meta({ id: 'Policy' });

const decidedBy = z.string().nullable().describe('The policy that decided it.');
const simulation = z
  .object({
    user: z.string(),
    client_id: z.string(),
    steps: z.array(
      z.object({
        step: z.string(),
        reasons: z.array(z.object({ code: z.string(), text: z.string(), policy: z.string().optional() })),
        may_wait_until: z.string().optional(),
        trust_offered_days: z.int().optional(),
      }),
    ),
    error: z.string().nullable(),
    acr: z.string().nullable(),
    amr: z.array(z.string()),
    policy: z.object({
      second_factor: z.string(),
      grace_days: z.int(),
      acr: z.string(),
      trusted_browser_days: z.int(),
      decided_by: z.object({ second_factor: z.string(), acr: decidedBy, trusted_browser_days: decidedBy }),
    }),
  })
  .meta({ id: 'Simulation' });

const count = z.int();
const report = z
  .object({
    people: count.describe('Accounts that are not disabled.'),
    enabled: count,
    pending: count,
    none: count,
    closed: count,
    disabled_accounts: count,
    by_role: z.array(z.object({ role: z.string(), enabled: count, pending: count, none: count, closed: count })),
  })
  .meta({ id: 'SecondFactorReport' });

export const policyRoutes: readonly Route[] = [
  route({
    method: 'get',
    path: '/policies',
    operationId: 'listPolicies',
    tag: 'Policies',
    summary: 'List second-factor policies',
    scope: 'admin:policy:read',
    answers: {
      200: {
        description: 'All of them.',
        schema: z.object({ items: z.array(policy), next_cursor: z.null() }).meta({ id: 'PolicyPage' }),
      },
    },
    async handle({ services }) {
      const items = (await services.managePolicies.list()).map(({ version: _version, ...rest }) => rest);
      return { status: 200, body: { items, next_cursor: null } };
    },
  }),
  route({
    method: 'get',
    path: '/policies/{key}',
    operationId: 'getPolicy',
    tag: 'Policies',
    summary: 'Show a policy',
    scope: 'admin:policy:read',
    params,
    versioned: true,
    answers: { 200: { description: 'The policy.', schema: policy } },
    async handle({ services, params: { key: name } }) {
      const { version, ...body } = await services.managePolicies.get(name);
      return { status: 200, body, version };
    },
  }),
  route({
    method: 'put',
    path: '/policies/{key}',
    operationId: 'putPolicy',
    tag: 'Policies',
    summary: 'Set a policy',
    description: 'Of all that apply to a sign-in the strictest wins.',
    scope: 'admin:policy',
    params,
    body: z.strictObject(document).meta({ id: 'PolicyDocument' }),
    readOnly: ['key', 'source', 'updated_at', 'version'],
    versioned: true,
    answers: { 200: { description: 'The policy.', schema: policy } },
    async handle({ services, params: { key: name }, body, actor, context, ifVersion }) {
      const given = Object.fromEntries(Object.entries(body).filter(([, value]) => value !== undefined));
      const { version, ...rest } = await services.managePolicies.put(name, given, actor.id, context, ifVersion);
      return { status: 200, body: rest, version };
    },
  }),
  route({
    method: 'delete',
    path: '/policies/{key}',
    operationId: 'deletePolicy',
    tag: 'Policies',
    summary: 'Take a policy back',
    scope: 'admin:policy',
    params,
    versioned: true,
    answers: { 204: { description: 'Gone.', schema: null } },
    async handle({ services, params: { key: name }, actor, context, ifVersion }) {
      await services.managePolicies.remove(name, actor.id, context, ifVersion);
      return { status: 204 };
    },
  }),
  route({
    method: 'post',
    path: '/policy/simulate',
    operationId: 'simulatePolicy',
    tag: 'Policies',
    summary: 'What a sign-in would be asked, and why',
    description: 'It changes nothing.',
    scope: 'admin:policy:read',
    body: z
      .strictObject({
        user: z.string().min(1).max(254).describe('An id, a user name or an address.'),
        client_id: z.string().min(1).max(200),
        acr_values: z.union([z.string().max(2000), z.array(z.string().max(300)).max(20)]).optional(),
        browser_trusted: z.boolean().optional(),
      })
      .meta({ id: 'SimulationRequest' }),
    answers: { 200: { description: 'The steps, in order.', schema: simulation } },
    handle: async ({ services, body }) => ({ status: 200, body: await services.simulatePolicy(body) }),
  }),
  route({
    method: 'get',
    path: '/reports/second-factor',
    operationId: 'reportSecondFactor',
    tag: 'Policies',
    summary: 'How many people have a second factor',
    scope: 'admin:users:read',
    answers: { 200: { description: 'Coverage.', schema: report } },
    async handle({ services }) {
      const rows = await services.directory.coverage();
      const living = rows.filter(({ status }) => status !== 'disabled');
      const sum = (some: typeof rows): number => some.reduce((all, row) => all + row.count, 0);
      const states = (some: typeof rows) => ({
        enabled: sum(some.filter(({ state }) => state === 'enabled')),
        pending: sum(some.filter(({ state }) => state === 'pending')),
        none: sum(some.filter(({ state }) => state === 'none')),
        closed: sum(some.filter(({ state }) => state === 'closed')),
      });
      const names = [...new Set(living.map(({ role }) => role))];
      const byRole = names.map((role) => ({ role, ...states(living.filter((row) => row.role === role)) }));
      const disabled = sum(rows) - sum(living);
      return {
        status: 200,
        body: { people: sum(living), ...states(living), disabled_accounts: disabled, by_role: byRole },
      };
    },
  }),
];
