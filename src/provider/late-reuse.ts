import { requestOrigin, type RequestOrigin } from './request-origin.ts';

/** A code or a rotated refresh token that came again when no race explained it any more. */
export interface LateReuse {
  readonly kind: 'AuthorizationCode' | 'RefreshToken';
  readonly grantId: string;
  readonly userId: string;
  readonly clientId: string;
}

const reuses = new WeakMap<RequestOrigin, LateReuse>();

/** Notes it for the rest of this request: the engine ends the grant next. Only a redemption is a reuse. */
export function noteLateReuse(reuse: LateReuse): void {
  const request = requestOrigin.getStore();
  if (request?.path === '/token') reuses.set(request, reuse);
}

/** Why this request ends that grant, where a reuse is the reason. */
export function lateReuseOf(grantId: string): LateReuse | undefined {
  const request = requestOrigin.getStore();
  const reuse = request && reuses.get(request);
  return reuse?.grantId === grantId ? reuse : undefined;
}
