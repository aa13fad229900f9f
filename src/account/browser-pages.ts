import { NotFound } from '../errors.ts';
import { frameOf, goTo, type AccountRequest } from './account-request.ts';
import { proveChange } from './change-proof.ts';

/** Browsers that are not asked for a code each time, where an operator allows that. */
export async function showTrustedBrowsers(request: AccountRequest): Promise<void> {
  const { ctx, services, user, trustedBrowsers } = request;
  const mine = await services.trustedBrowserOf(ctx, user.id);
  const browsers = trustedBrowsers.map(({ id, userAgent, address, trustedAt, expiresAt }) => ({
    id,
    userAgent,
    address,
    trustedAt,
    expiresAt,
    isThis: id === mine,
  }));
  services.views.page(ctx, 'trusted-browsers', { ...frameOf(request), browsers });
}

export async function forgetTrustedBrowser(request: AccountRequest, id: string): Promise<void> {
  const { services, user, context } = request;
  if (!(await proveChange(request))) return;
  if (!(await services.trustedBrowsers.revoke(user.id, id, user.id, context))) throw new NotFound();
  goTo(request, '/account/trusted-browsers', 'browser-forgotten');
}

export async function forgetAllTrustedBrowsers(request: AccountRequest): Promise<void> {
  const { services, user, context } = request;
  if (!(await proveChange(request))) return;
  await services.trustedBrowsers.revokeAll(user.id, user.id, context);
  goTo(request, '/account/trusted-browsers', 'all-browsers-forgotten');
}
