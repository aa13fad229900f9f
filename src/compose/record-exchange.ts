import { requestOrigin } from '../provider/request-origin.ts';
import type { ExchangeOutcome } from '../provider/token-exchange.ts';
import type { Services } from './services.ts';

/** Writes each exchange of a token into the record: who asked, for whom, by whose token, and what came of it. */
export function createRecordExchange(inTransaction: Services['inTransaction']) {
  return ({ clientId, subject, audience, scopes, refused }: ExchangeOutcome): Promise<void> => {
    const { address = '', userAgent = '', requestId = '' } = requestOrigin.getStore() ?? {};
    return inTransaction(({ audit }) =>
      audit.record({
        type: 'token.exchanged',
        actor: `client:${clientId}`,
        target: subject?.accountId ?? '',
        result: refused === undefined ? 'success' : 'failure',
        ...(refused === undefined ? {} : { reason: refused }),
        details: { client: subject?.clientId ?? null, resource: audience, scopes },
        context: { address, userAgent, requestId },
      }),
    );
  };
}
