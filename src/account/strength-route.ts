import Router from '@koa/router';
import type { Context } from 'koa';
import type { AttemptStore } from '../attempt-store.ts';
import type { RequestContext } from '../domain/audit-event.ts';
import type { Csrf } from '../http/csrf.ts';
import { readFields } from '../http/forms.ts';
import type { StrengthStep } from '../users/password-strength.ts';

export interface StrengthRouteServices {
  readonly csrf: Csrf;
  readonly attempts: AttemptStore;
  readonly passwordStrength: (password: string) => StrengthStep;
  readonly requestContext: (ctx: Context) => RequestContext;
}

/** The meter beside a new password asks here: the word list it takes is too large for a page. Nothing is kept. */
export function strengthRoute({ csrf, attempts, passwordStrength, requestContext }: StrengthRouteServices): Router {
  const router = new Router({ strict: true, sensitive: true });
  router.post('/password-strength', async (ctx) => {
    csrf.checkOrigin(ctx);
    const fields = await readFields(ctx, { bodyBytes: 8192, fields: 1 });
    const { address } = requestContext(ctx);
    const wait = await attempts
      .charge([{ subject: `strength-address:${address}`, burst: 60, refillSeconds: 1 }])
      .catch(() => 1);
    if (wait > 0) {
      ctx.status = 429;
      ctx.set('Retry-After', String(wait));
      ctx.body = {};
      return;
    }
    ctx.body = { step: passwordStrength(fields.get('password') ?? '') };
  });
  return router;
}
