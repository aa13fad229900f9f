import { NotFound } from '../errors.ts';
import type { FormError } from '../http/page-parts.ts';
import { frameOf, goTo, type AccountRequest } from './account-request.ts';
import { statusOf, takeCode } from './change-proof.ts';

/** The oldest question of a relying party that waits for this person's answer, one at a time. */
export async function showBackchannelRequest(request: AccountRequest, error?: FormError): Promise<void> {
  const { ctx, services, user } = request;
  const [first, ...others] = await services.listBackchannelRequests(user.id);
  const shown = first && {
    id: first.id,
    client: await services.clientName(first.clientId),
    message: first.bindingMessage,
    scopes: first.scope.split(' ').filter((name) => name !== ''),
    createdAt: first.createdAt,
  };
  services.views.page(
    ctx,
    'sign-in-request',
    { ...frameOf(request, error), request: shown ?? null, others: others.length },
    { status: statusOf(error) },
  );
}

/** Approves with a fresh code, charged like every other; refusing takes none. */
export async function answerBackchannelRequest(request: AccountRequest, id: string): Promise<void> {
  const { services, session, user, fields, context } = request;
  if (!/^[0-9a-f-]{36}$/.test(id)) throw new NotFound();
  const decision = fields.get('decision');
  if (decision !== 'approve' && decision !== 'refuse') return showBackchannelRequest(request);
  if (decision === 'refuse') {
    await services.answerBackchannel(user.id, id, undefined, context);
    return goTo(request, '/account/sign-in-requests', 'request-refused');
  }
  const isWaiting = (await services.listBackchannelRequests(user.id)).some((one) => one.id === id);
  if (!isWaiting) return goTo(request, '/account/sign-in-requests', 'request-gone');
  let by: 'one-time-code' | 'recovery-code' = 'one-time-code';
  const proof = await takeCode(request, (kind) => {
    by = kind;
  });
  if (proof === 'signing-in') return;
  if (proof !== undefined) return showBackchannelRequest(request, proof);
  const answered = await services.answerBackchannel(user.id, id, { signedInAt: session.signedInAt, by }, context);
  goTo(request, '/account/sign-in-requests', answered ? 'request-approved' : 'request-gone');
}
