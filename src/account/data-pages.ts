import { NotFound } from '../errors.ts';
import type { FormError, ProofAsked } from '../http/page-parts.ts';
import { frameOf, type AccountRequest } from './account-request.ts';
import { proveChange, statusOf, takeCode, takeCurrentPassword } from './change-proof.ts';

/** What is known of the person, as one file. */
export function showExport(request: AccountRequest): void {
  const { ctx, services } = request;
  // A code is asked by the page that follows, and only of a session that is not fresh any more.
  services.views.page(ctx, 'export', { ...frameOf(request), proof: {} });
}

export async function downloadExport(request: AccountRequest): Promise<void> {
  const { ctx, services, user, context } = request;
  if (!(await proveChange(request))) return;
  const data = await services.exportData(user, context);
  ctx.set('Content-Disposition', 'attachment; filename="account.json"');
  ctx.type = 'application/json';
  ctx.body = JSON.stringify(data, undefined, 2);
}

export async function showDelete(request: AccountRequest, error?: FormError): Promise<void> {
  const { ctx, services } = request;
  if (!services.deletionAllowed) throw new NotFound();
  const options = { status: statusOf(error) };
  services.views.page(ctx, 'delete', { ...frameOf(request, error), proof: await proofOf(request) }, options);
}

/** Deletes the account for good: the name typed out, the password and a code in the same act. */
export async function deleteAccount(request: AccountRequest): Promise<void> {
  const { ctx, services, user, fields, context } = request;
  if (!services.deletionAllowed) throw new NotFound();
  if (fields.get('username') !== user.username) {
    return showDelete(request, { code: 'name-differs', field: 'username' });
  }
  const wrong = await takeCurrentPassword(request);
  if (wrong !== undefined) return showDelete(request, wrong);
  const { code } = await proofOf(request);
  if (code === true) {
    const refused = await takeCode(request);
    if (refused === 'signing-in') return;
    if (refused !== undefined) return showDelete(request, refused);
  } else if (!(await proveChange(request))) return;
  // Throws where this is the last operator: nobody could let anybody in again.
  await services.deleteUser(user.id, user.id, context);
  services.forgetBrowserCookie(ctx);
  services.views.page(ctx, 'notice', { code: 'account-deleted' });
}

async function proofOf({ services, user }: AccountRequest): Promise<ProofAsked> {
  return { password: true, code: (await services.status(user.id)).enabled };
}
