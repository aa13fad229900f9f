import { errors, type Configuration, type KoaContextWithOIDC } from 'oidc-provider';
import type { AuthorizationDetailsType } from '../config/authorization-details.ts';
import { canBeShown, isWithin, type AuthorizationDetail } from '../domain/authorization-details.ts';

type Features = NonNullable<Configuration['features']>;
interface WithDetails {
  readonly rar?: readonly AuthorizationDetail[];
  readonly aud?: string | string[];
}

/**
 * Rich authorization requests (RFC 9396) of the registered types. What a token carries is what the person was shown in the
 * very interaction that it comes from, or less: nothing is taken over from an older answer.
 */
export function withAuthorizationDetails(features: Features, types: readonly AuthorizationDetailsType[]): Features {
  return types.length === 0 ? features : { ...features, richAuthorizationRequests: featureOf(types) };
}

function featureOf(types: readonly AuthorizationDetailsType[]) {
  const resourceOf = new Map(types.map(({ type, resource }) => [type, resource]));
  const engineTypes = types.map(({ type, resource, check }) => {
    const validate = (ctx: KoaContextWithOIDC, detail: AuthorizationDetail): void => {
      const fault = check(detail);
      if (fault !== undefined) refuse(fault);
      if (!canBeShown(detail)) refuse(`type '${type}' has fields that no page can show as they are`);
      const asked = [ctx.oidc.params?.['resource']].flat();
      if (!asked.includes(resource)) refuse(`type '${type}' is for the resource ${resource}`);
    };
    return [type, { validate }] as const;
  });
  return {
    enabled: true,
    types: Object.fromEntries(engineTypes),
    authorizationDetailsForGrantSource(ctx: KoaContextWithOIDC) {
      const { result } = ctx.oidc as { result?: { consent?: unknown } };
      return result?.consent === undefined ? undefined : readDetails(ctx);
    },
    authorizationDetailsForAccessToken(ctx: KoaContextWithOIDC, token: WithDetails, source: WithDetails | undefined) {
      const granted = source?.rar ?? [];
      const asked = readDetails(ctx) ?? granted;
      if (!asked.every((detail) => isWithin(detail, granted))) refuse('nobody granted this');
      const ofToken = asked.filter(({ type }) => resourceOf.get(type) === token.aud);
      return ofToken.length === 0 ? undefined : ofToken;
    },
    authorizationDetailsForIntrospection: (_ctx: KoaContextWithOIDC, token: WithDetails) => token.rar,
  };
}

function refuse(description: string): never {
  throw new errors.InvalidAuthorizationDetails(description);
}

/** The engine has parsed and checked them before. */
function readDetails(ctx: KoaContextWithOIDC): AuthorizationDetail[] | undefined {
  const value = ctx.oidc.params?.['authorization_details'];
  return typeof value === 'string' ? (JSON.parse(value) as AuthorizationDetail[]) : undefined;
}
