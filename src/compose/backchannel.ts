import type { AccountServices } from '../account/account-request.ts';
import { newId } from '../crypto/random.ts';
import { acrOf, amrOf } from '../domain/authentication.ts';
import type { Deliver } from '../notifications/delivery.ts';
import { answerBackchannel, type BackchannelAuthentication } from '../provider/backchannel-authentication.ts';
import { requestOrigin } from '../provider/request-origin.ts';
import { backchannelRequestContext } from '../storage/postgres/backchannel-request-store.ts';
import type { Services } from './services.ts';

/** What the engine needs to ask people who are elsewhere (CIBA). */
export function createBackchannel({
  settings,
  attempts,
  inTransaction,
  reading,
  secretBox,
}: Services): BackchannelAuthentication | undefined {
  if (!settings.ciba) return undefined;
  const context = () => {
    const { address = '', userAgent = '', requestId = '' } = requestOrigin.getStore() ?? {};
    return { address, userAgent, requestId };
  };
  return {
    async findPerson(clientId, loginHint) {
      // Names are tried by clients that were let in; each has a budget all the same.
      const client = { subject: `ciba-client:${clientId}`, burst: 60, refillSeconds: 2 };
      if ((await attempts.charge([client])) > 0) return 'too-many';
      const user = await reading(({ users }) => users.findByLogin(loginHint));
      if (user === undefined || user.disabledAt !== null) return undefined;
      // Whoever is asked again and again says yes in the end.
      const person = { subject: `ciba-person:${user.id}`, burst: 3, refillSeconds: 120 };
      return (await attempts.charge([person])) > 0 ? 'too-many' : { id: user.id };
    },
    ask: ({ authReqId, accountId: userId, clientId, notificationToken, lifetimeSeconds, ...shown }) =>
      inTransaction(async ({ backchannelRequests, audit, outbox }) => {
        const id = newId();
        const plain = Buffer.from(JSON.stringify({ authReqId, notificationToken }));
        const requestSealed = secretBox.seal(plain, backchannelRequestContext(id));
        await backchannelRequests.add({ id, userId, clientId, ...shown, requestSealed }, lifetimeSeconds);
        await audit.record({
          type: 'backchannel.requested',
          actor: `client:${clientId}`,
          target: userId,
          result: 'success',
          details: { client: clientId, scopes: shown.scope },
          context: context(),
        });
        await outbox.enqueue({ kind: 'sign-in-request', userId });
      }),
    announce: (clientId, userId, authReqId, token) =>
      inTransaction(({ outbox }) =>
        outbox.enqueuePing({ userId, clientId, secret: JSON.stringify({ authReqId, token }) }),
      ),
  };
}

type Engine = Parameters<typeof answerBackchannel>[0];
type Answers = Pick<AccountServices, 'listBackchannelRequests' | 'answerBackchannel'>;

/** What the account page needs to answer them. */
export function createBackchannelAnswers(services: Services, provider: () => Engine): Answers {
  const { settings, inTransaction, reading, secretBox } = services;
  return {
    listBackchannelRequests: async (userId) =>
      settings.ciba ? reading(({ backchannelRequests }) => backchannelRequests.listWaiting(userId)) : [],
    async answerBackchannel(userId, id, proof, context) {
      const second = proof?.by === 'recovery-code' ? 'recovery-code' : 'otp';
      const [acr, amr] = [acrOf(second), amrOf(second)];
      // Decided and recorded first: if this process ends before the engine hears of it, nobody is signed in.
      const decided = await inTransaction(async ({ backchannelRequests, audit }) => {
        const decision = proof === undefined ? 'refused' : 'approved';
        const found = await backchannelRequests.decide(userId, id, decision);
        if (found === undefined) return undefined;
        const { clientId: client, scope: scopes } = found;
        await audit.record({
          type: `backchannel.${decision}`,
          actor: userId,
          target: userId,
          result: proof === undefined ? 'failure' : 'success',
          details: { client, scopes, ...(proof === undefined ? {} : { acr, amr: amr.join(' ') }) },
          context,
        });
        return found;
      });
      if (decided === undefined) return false;
      const plain = secretBox.open(decided.requestSealed, backchannelRequestContext(id)).toString('utf8');
      const { authReqId } = JSON.parse(plain) as { authReqId: string };
      const given = proof && { acr, amr, authTime: proof.signedInAt };
      return answerBackchannel(provider(), authReqId, given);
    },
  };
}

/** Tells a relying party that the answer is there (CIBA Core 1.0 section 10.2). */
export function createPingDelivery({ outbound }: Services, provider: () => Engine): Deliver {
  return async ({ payload, secret }) => {
    const clientId = typeof payload['clientId'] === 'string' ? payload['clientId'] : '';
    const client = await provider().Client.find(clientId);
    const endpoint = (client as { backchannelClientNotificationEndpoint?: string } | undefined)
      ?.backchannelClientNotificationEndpoint;
    if (endpoint === undefined || secret === undefined) {
      return { kind: 'give-up', error: 'the relying party has no notification address any more' };
    }
    const { authReqId, token } = JSON.parse(secret) as { authReqId: string; token: string };
    try {
      const { status } = await outbound.fetch(endpoint, {
        method: 'POST',
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
        body: JSON.stringify({ auth_req_id: authReqId }),
      });
      if (status === 200 || status === 204) return { kind: 'delivered', status };
      return { kind: status < 500 ? 'give-up' : 'retry', error: 'not taken', status };
    } catch (error) {
      return { kind: 'retry', error: error instanceof Error ? error.name : 'unknown' };
    }
  };
}
