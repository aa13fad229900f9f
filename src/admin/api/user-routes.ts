import { z } from 'zod';
import type { User } from '../../domain/user.ts';
import { NotFound } from '../../errors.ts';
import { checkNotSelf, checkTarget } from '../access.ts';
import type { AdminServices } from '../admin-services.ts';
import { route, type Answer, type Call, type Route } from './route.ts';
import { pageFrom, pageOf, pageQuery, readCursor, reason, searchText, timestamp, whyInput } from './schemas.ts';
import { asUserChange, newUser, readOnlyOfUser, showUser, user, userChange, userParams } from './user-schemas.ts';

const mostCounted = 1_000_000;
const linkSeconds = 86_400;

const activationLink = z
  .object({
    activation_url: z.url().describe('Single use; sets password and authenticator in one act. Shown this once.'),
    expires_at: timestamp,
  })
  .meta({ id: 'ActivationLink' });

const resetLink = z
  .object({ reset_url: z.url().describe('Single use; sets a new password. Shown this once.'), expires_at: timestamp })
  .meta({ id: 'PasswordResetLink' });

const reasonOptional = z.strictObject({ reason: reason.optional() });
const oneUser = { 200: { description: 'The person.', schema: user } };

export const userRoutes: readonly Route[] = [
  route({
    method: 'get',
    path: '/users',
    operationId: 'listUsers',
    tag: 'Users',
    summary: 'List people',
    description: 'By user name. `query` is how a user name, an address or a name begins, or a whole id.',
    scope: 'admin:users:read',
    sensitive: true,
    query: z.strictObject({
      query: searchText,
      status: z.enum(['active', 'disabled', 'pending']).optional(),
      second_factor: z.enum(['enabled', 'pending', 'none', 'closed']).optional(),
      role: z.enum(['operator', 'help-desk', 'auditor']).optional(),
      ...pageQuery,
    }),
    answers: { 200: { description: 'A page of people.', schema: pageOf(user, 'UserPage') } },
    async handle({ services, query }) {
      const { query: text, status, second_factor: secondFactor, role, limit, cursor } = query;
      const filter = { query: text, status, secondFactor, role };
      const { directory } = services;
      const read = await directory.list(filter, limit + 1, readCursor(cursor));
      const page = pageFrom(read, limit, (listed) => listed.user.username);
      const required = await services.requiredOf(page.items.map((listed) => listed.user));
      const items = page.items.map((listed) => showUser(listed, required.get(listed.user.id) === true));
      const total = query.total ? { total: await directory.count(filter, mostCounted) } : {};
      return { status: 200, body: { items, next_cursor: page.nextCursor, ...total }, read: { count: items.length } };
    },
  }),
  route({
    method: 'post',
    path: '/users',
    operationId: 'createUser',
    tag: 'Users',
    summary: 'Create a person',
    scope: 'admin:users',
    body: newUser,
    readOnly: readOnlyOfUser,
    versioned: true,
    answers: {
      201: {
        description: 'The person, and the link by which they set up the account.',
        schema: z.object({ ...user.shape, ...activationLink.shape }).meta({ id: 'CreatedUser' }),
      },
    },
    problems: { 409: '`login_taken`: the name or address is anybody’s name or address.' },
    async handle({ services, body, actor, context }) {
      const { email_verified: emailVerified, ...rest } = body;
      const given = Object.fromEntries(
        Object.entries({ ...rest, emailVerified }).filter(([, value]) => value !== undefined),
      );
      const request = { ...given, username: body.username };
      const { id, activationToken } = await services.manageUsers.create(request, actor.id, context);
      const made = await load(services, id);
      return {
        ...made,
        status: 201,
        location: `/users/${id}`,
        body: {
          ...(made.body as object),
          activation_url: `${services.issuer}/set-up/${activationToken}`,
          expires_at: linkEnd(services),
        },
      };
    },
  }),
  route({
    method: 'get',
    path: '/users/{id}',
    operationId: 'getUser',
    tag: 'Users',
    summary: 'Show a person',
    scope: 'admin:users:read',
    sensitive: true,
    params: userParams,
    versioned: true,
    answers: oneUser,
    handle: async ({ services, params }) => ({
      ...(await load(services, params.id)),
      read: { target: params.id, count: 1 },
    }),
  }),
  route({
    method: 'patch',
    path: '/users/{id}',
    operationId: 'updateUser',
    tag: 'Users',
    summary: 'Change a person',
    description: 'A new address counts as unverified unless `email_verified` says otherwise, and voids open links.',
    scope: 'admin:users',
    params: userParams,
    body: userChange,
    readOnly: readOnlyOfUser,
    versioned: true,
    answers: oneUser,
    problems: { 409: '`login_taken`, `last_operator`.' },
    async handle(call) {
      const { services, params, body, actor, context, ifVersion } = call;
      await findTarget(call);
      await services.manageUsers.update(params.id, asUserChange(body), actor.id, context, ifVersion);
      return load(services, params.id);
    },
  }),
  route({
    method: 'delete',
    path: '/users/{id}',
    operationId: 'deleteUser',
    tag: 'Users',
    summary: 'Delete a person',
    description: 'The record keeps what was done, under the id.',
    scope: 'admin:users',
    params: userParams,
    versioned: true,
    answers: { 204: { description: 'Gone.', schema: null } },
    problems: { 409: '`last_operator`.' },
    async handle(call) {
      const { services, params, actor, context, ifVersion } = call;
      await findTarget(call);
      await services.manageUsers.remove(params.id, actor.id, context, ifVersion);
      return { status: 204 };
    },
  }),
  route({
    method: 'post',
    path: '/users/{id}/activation-link',
    operationId: 'createActivationLink',
    tag: 'Users',
    summary: 'Make another activation link',
    description: 'For an account that was never set up; older links are void.',
    scope: 'admin:users',
    params: userParams,
    body: whyInput,
    bodyOptional: true,
    answers: { 201: { description: 'The link.', schema: activationLink } },
    problems: { 403: '`own_account`.', 409: '`already_set_up`.' },
    async handle(call) {
      const { services, params, actor, context, body: asked } = call;
      checkNotSelf(actor, (await findTarget(call)).id);
      const token = await services.manageUsers.issueActivationLink(params.id, actor.id, context, asked?.reason);
      const body = { activation_url: `${services.issuer}/set-up/${token}`, expires_at: linkEnd(services) };
      return { status: 201, body };
    },
  }),
  route({
    method: 'post',
    path: '/users/{id}/password-reset',
    operationId: 'createPasswordReset',
    tag: 'Users',
    summary: 'Make a link that sets a new password',
    description: 'The second factor stays as it is; older links are void.',
    scope: 'admin:users',
    params: userParams,
    body: whyInput,
    bodyOptional: true,
    answers: { 201: { description: 'The link.', schema: resetLink } },
    problems: { 403: '`own_account`.', 409: '`user_disabled`.' },
    async handle(call) {
      const { services, params, actor, context, body: asked } = call;
      checkNotSelf(actor, (await findTarget(call)).id);
      const token = await services.manageUsers.issuePasswordReset(params.id, actor.id, context, asked?.reason);
      const body = { reset_url: `${services.issuer}/reset-password/${token}`, expires_at: linkEnd(services) };
      return { status: 201, body };
    },
  }),
  ...(['disable', 'enable'] as const).map((act) =>
    route({
      method: 'post',
      path: `/users/{id}/${act}`,
      operationId: `${act}User`,
      tag: 'Users',
      summary: act === 'disable' ? 'Disable a person' : 'Enable a person again',
      ...(act === 'disable' ? { description: 'Ends every session and refresh token at once.' } : {}),
      scope: 'admin:users',
      params: userParams,
      body: reasonOptional,
      bodyOptional: true,
      answers: oneUser,
      ...(act === 'disable' ? { problems: { 409: '`last_operator`.' } } : {}),
      async handle(call) {
        const { services, params, body, actor, context } = call;
        await findTarget(call);
        const disabled = act === 'disable';
        await services.manageUsers.setDisabled(params.id, disabled, actor.id, context, body?.reason);
        return load(services, params.id);
      },
    }),
  ),
];

/** The person a call acts on. Throws `NotFound`, and `Forbidden` where this actor may not act on them. */
export async function findTarget({
  services,
  actor,
  params,
}: Pick<Call<{ id: string }, unknown, unknown>, 'services' | 'actor' | 'params'>): Promise<User> {
  const found = await services.findUser(params.id);
  if (found === undefined) throw new NotFound('no such user');
  checkTarget(actor, found);
  return found;
}

async function load(services: AdminServices, id: string): Promise<Answer> {
  const listed = await services.directory.find(id);
  if (listed === undefined) throw new NotFound('no such user');
  const required = (await services.requiredOf([listed.user])).get(id) === true;
  return { status: 200, body: showUser(listed, required), version: listed.user.version };
}

function linkEnd({ now }: AdminServices): string {
  return new Date(now().getTime() + linkSeconds * 1000).toISOString();
}
