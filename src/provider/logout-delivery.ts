import type { Provider } from 'oidc-provider';
import type { Deliver } from '../notifications/delivery.ts';

type Send = (subject: string, sid: string | undefined) => Promise<void>;
const sends = new WeakMap<Provider, Send>();

/**
 * Takes the engine's own sending of logout tokens (OpenID Connect Back-Channel Logout section 2.5) out of the request, so
 * that no slow relying party delays a person. Every end of a session leaves its items in the outbox by a trigger of the
 * database, ends that the engine knows nothing of included.
 */
export function sendLogoutTokensFromOutbox(provider: Provider): void {
  const client = provider.Client.prototype as unknown as { backchannelLogout: Send };
  sends.set(provider, client.backchannelLogout);
  client.backchannelLogout = async () => {};
}

/** Sends one logout token, signed at the moment it leaves with the keys of that moment. */
export function createLogoutDelivery(provider: () => Provider): Deliver {
  return async ({ userId, payload }) => {
    const current = provider();
    const clientId = typeof payload['clientId'] === 'string' ? payload['clientId'] : '';
    const sid = typeof payload['sid'] === 'string' ? payload['sid'] : undefined;
    const client = await current.Client.find(clientId);
    const send = sends.get(current);
    if (client?.backchannelLogoutUri === undefined || userId === null) {
      return { kind: 'give-up', error: 'the relying party has no logout address any more' };
    }
    if (send === undefined) return { kind: 'retry', error: 'the engine is being replaced' };
    try {
      await send.call(client, userId, sid);
      return { kind: 'delivered' };
    } catch (error) {
      const status = (error as { response?: { status?: number } }).response?.status;
      const reason = error instanceof Error ? error.name : 'unknown';
      // A relying party that says 400 has understood and will not take it (section 2.8).
      if (status === 400) return { kind: 'give-up', error: 'refused', status };
      return { kind: 'retry', error: status === undefined ? reason : 'not taken', ...(status && { status }) };
    }
  };
}
