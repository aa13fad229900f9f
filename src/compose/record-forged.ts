import { networkOf } from '../http/client-address.ts';
import type { RefusedForm } from '../http/errors.ts';
import type { Services } from './services.ts';

/** Records what honest browsers do not send. A stranger can make such requests at will, so a network has a budget. */
export function createRecordForged({ attempts, inTransaction, logger }: Services) {
  return async ({ method, route, code, context }: RefusedForm): Promise<void> => {
    try {
      const subject = `forged:${networkOf(context.address)}`;
      if ((await attempts.charge([{ subject, burst: 20, refillSeconds: 60 }])) > 0) return;
      await inTransaction(({ audit }) =>
        audit.record({
          type: 'request.refused',
          actor: 'anonymous',
          target: '',
          result: 'failure',
          details: { method, path: route, code },
          context,
        }),
      );
    } catch (error) {
      // It was refused all the same, and is answered so.
      logger.error({ err: error, requestId: context.requestId }, 'a refused request was not recorded');
    }
  };
}
