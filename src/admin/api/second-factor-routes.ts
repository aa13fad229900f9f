import { z } from 'zod';
import { Conflict } from '../../errors.ts';
import { checkNotSelf } from '../access.ts';
import type { AdminServices } from '../admin-services.ts';
import { route, type Route } from './route.ts';
import { reason, timestamp, whyInput } from './schemas.ts';
import { findTarget } from './user-routes.ts';
import { userParams } from './user-schemas.ts';

const withReason = z.strictObject({ reason });
const recoveryLink = z
  .object({
    recovery_url: z
      .url()
      .describe('Single use, 24 hours; sets password and authenticator in one act. Shown this once.'),
    expires_at: timestamp,
  })
  .meta({ id: 'RecoveryLink' });

const acts = {
  reset: {
    summary: 'Reset a second factor',
    description:
      'Authenticators, recovery codes, known and trusted browsers and the password are void; sessions and refresh ' +
      'tokens end; the person is told.',
  },
  reopen: {
    summary: 'Reopen a second factor that guessing closed',
    description: 'The authenticators stay; the password, which the guesser knew, is void.',
  },
} as const;

export const secondFactorRoutes: readonly Route[] = [
  ...(['reset', 'reopen'] as const).map((act) =>
    route({
      method: 'post',
      path: `/users/{id}/second-factor/${act}`,
      operationId: `${act}SecondFactor`,
      tag: 'Second factor',
      ...acts[act],
      scope: 'admin:second-factor',
      params: userParams,
      body: withReason,
      answers: { 200: { description: 'The way back for the person.', schema: recoveryLink } },
      problems: { 403: '`own_account`, `target_has_role`.', 409: '`last_operator`.' },
      async handle(call) {
        const { services, params, body, actor, context } = call;
        const target = await findTarget(call);
        checkNotSelf(actor, target.id);
        await keepAnOperator(services, target);
        const request = { userId: params.id, actor: actor.id, reason: body.reason, context };
        const token = await services.resetSecondFactor[act](request);
        const expires = new Date(services.now().getTime() + 86_400_000).toISOString();
        return { status: 200, body: { recovery_url: `${services.issuer}/set-up/${token}`, expires_at: expires } };
      },
    }),
  ),
  route({
    method: 'delete',
    path: '/users/{id}/authenticators/{authenticatorId}',
    operationId: 'removeAuthenticator',
    tag: 'Second factor',
    summary: 'Remove one of several authenticators',
    description: 'Ends every session and refresh token of the person.',
    scope: 'admin:second-factor',
    params: z.strictObject({ ...userParams.shape, authenticatorId: z.uuid() }),
    body: whyInput,
    bodyOptional: true,
    answers: { 204: { description: 'Gone.', schema: null } },
    problems: { 403: '`own_account`, `target_has_role`.', 409: '`last_authenticator`: a reset removes it.' },
    async handle(call) {
      const { services, params, actor, context, body } = call;
      checkNotSelf(actor, (await findTarget(call)).id);
      const act = { userId: params.id, actor: actor.id, reason: body?.reason ?? '', context };
      await services.resetSecondFactor.removeOne(act, params.authenticatorId);
      return { status: 204 };
    },
  }),
];

/**
 * The last operator is reset on the machine alone, by the command line: a service with this scope, or whoever holds its
 * secret, would otherwise lock out or become the only one who could undo it.
 */
async function keepAnOperator(
  { countOperators }: AdminServices,
  target: { readonly roles: readonly string[]; readonly disabledAt: Date | null },
): Promise<void> {
  if (!target.roles.includes('operator') || target.disabledAt !== null) return;
  if ((await countOperators()) <= 1) {
    throw new Conflict('last_operator', 'the last operator is reset by the command line, on the machine');
  }
}
