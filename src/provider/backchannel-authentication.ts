import { errors, type Configuration, type Provider } from 'oidc-provider';
import { openIdScopes } from './resource-servers.ts';

/** A relying party's question to a person who is elsewhere (CIBA Core 1.0 section 7.1). */
export interface BackchannelQuestion {
  readonly authReqId: string;
  readonly accountId: string;
  readonly clientId: string;
  readonly bindingMessage: string;
  readonly scope: string;
  readonly resource: string | null;
  /** With which the answer is announced (`ping`). */
  readonly notificationToken: string | undefined;
  readonly lifetimeSeconds: number;
}

export interface BackchannelAuthentication {
  /** The person a relying party means, unless there is none or was asked too often. */
  readonly findPerson: (
    clientId: string,
    loginHint: string,
  ) => Promise<{ readonly id: string } | 'too-many' | undefined>;
  /** Puts the question where the person answers it. */
  readonly ask: (question: BackchannelQuestion) => Promise<void>;
  /** Announces an answer, in its own time. */
  readonly announce: (clientId: string, accountId: string, authReqId: string, token: string) => Promise<void>;
}

export const cibaGrant = 'urn:openid:params:grant-type:ciba';
const longestSeconds = 600;
const usualSeconds = 300;

/** How long a request waits: what was asked, but never for long. */
export function backchannelLifetime(request: { readonly params?: { readonly requested_expiry?: unknown } }): number {
  const asked = Number(request.params?.requested_expiry ?? usualSeconds);
  return Number.isSafeInteger(asked) && asked > 0 ? Math.min(asked, longestSeconds) : usualSeconds;
}

type Ciba = NonNullable<NonNullable<Configuration['features']>['ciba']>;

/** CIBA by poll and by ping; the person answers on the account page, with a code. */
export function createCiba(backchannel: BackchannelAuthentication | undefined): Ciba {
  if (backchannel === undefined) return { enabled: false };
  return {
    enabled: true,
    deliveryModes: ['poll', 'ping'],
    async processLoginHint(ctx, loginHint) {
      const found = await backchannel.findPerson(ctx.oidc.client?.clientId ?? '', loginHint ?? '');
      if (found === 'too-many') throw new errors.AccessDenied('this person is asked too often');
      return found?.id;
    },
    async processLoginHintToken() {
      throw new errors.InvalidRequest('login_hint_token is not taken here');
    },
    async verifyUserCode() {},
    async validateRequestContext(ctx) {
      // The engine takes whatever JavaScript calls a number.
      const expiry: unknown = ctx.oidc.params?.['requested_expiry'];
      if (expiry !== undefined && (typeof expiry !== 'string' || !/^\d{1,6}$/.test(expiry))) {
        throw new errors.InvalidRequest('requested_expiry is a whole number of seconds');
      }
    },
    async validateBindingMessage(_ctx, message) {
      // It is compared by eye: one short line that cannot turn its own direction.
      if (message !== undefined && !/^[\p{L}\p{N}\p{P}\p{Sc} ]{1,60}$/u.test(message)) {
        throw new errors.InvalidBindingMessage('a binding_message is one line of at most 60 letters, digits and signs');
      }
    },
    async triggerAuthenticationDevice(_ctx, request, account, client) {
      const {
        params = {},
        jti,
        resource,
      } = request as unknown as {
        params?: { binding_message?: string; client_notification_token?: string; requested_expiry?: string };
        jti: string;
        resource?: string | string[];
      };
      await backchannel.ask({
        authReqId: jti,
        accountId: (account as { accountId: string }).accountId,
        clientId: client.clientId,
        bindingMessage: params.binding_message ?? '',
        scope: request.scope ?? '',
        resource: typeof resource === 'string' ? resource : null,
        notificationToken: params.client_notification_token,
        lifetimeSeconds: backchannelLifetime({ params }),
      });
    },
  };
}

/** No slow receiver delays the person who answers: announcements leave by the outbox. */
export function announceFromOutbox(provider: Provider, backchannel: BackchannelAuthentication | undefined): void {
  if (backchannel === undefined) return;
  const client = provider.Client.prototype as unknown as { backchannelPing: unknown };
  client.backchannelPing = async function announce(
    this: { clientId: string },
    request: { jti: string; accountId: string; params?: { client_notification_token?: string } },
  ) {
    const token = request.params?.client_notification_token;
    if (token !== undefined) await backchannel.announce(this.clientId, request.accountId, request.jti, token);
  };
}

/** How a person was authenticated who approved. */
export interface BackchannelProof {
  readonly acr: string;
  readonly amr: readonly string[];
  readonly authTime: number;
}

/** Gives the engine the person's answer; undefined proof: refused. Answers whether the request was still there. */
export async function answerBackchannel(
  provider: Provider,
  authReqId: string,
  proof: BackchannelProof | undefined,
): Promise<boolean> {
  const request = await provider.BackchannelAuthenticationRequest.find(authReqId);
  if (request === undefined) return false;
  if (proof === undefined) {
    await provider.backchannelResult(request, new errors.AccessDenied('the person refused'));
    return true;
  }
  const { accountId, clientId, scope = '', resource } = request as unknown as Record<string, string | undefined>;
  const grant = new provider.Grant({ accountId, clientId });
  const scopes = scope.split(' ').filter((name) => name !== '');
  grant.addOIDCScope(scopes.filter((name) => openIdScopes.has(name)).join(' '));
  const others = scopes.filter((name) => !openIdScopes.has(name));
  if (typeof resource === 'string' && others.length > 0) grant.addResourceScope(resource, others.join(' '));
  await grant.save();
  await provider.backchannelResult(request, grant, { ...proof, amr: [...proof.amr] });
  return true;
}
