import { Forbidden } from '../../errors.ts';
import { covers } from '../access.ts';
import { frameOf, type ConsoleRequest } from './console-request.ts';

/** The same as the command line's doctor: each part of the service, how it is, and what to do about it. */
export async function showHealth(request: ConsoleRequest): Promise<void> {
  const { ctx, services, actor } = request;
  if (!covers(actor.scopes, 'admin:audit:read')) {
    throw new Forbidden('insufficient_scope', 'the scope admin:audit:read is needed');
  }
  const findings = await services.checkHealth();
  services.views.page(ctx, 'console-health', { ...frameOf(request), findings, at: services.admin.now() });
}
