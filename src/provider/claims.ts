import type { ClaimsParameterMember } from 'oidc-provider';
import type { User } from '../domain/user.ts';

/** Which claims a scope brings (OpenID Connect Core section 5.4); `acr`, `amr` and `auth_time` are always told. */
export const claimsByScope = {
  openid: ['sub', 'acr', 'amr', 'auth_time'],
  profile: [
    'name',
    'family_name',
    'given_name',
    'middle_name',
    'nickname',
    'preferred_username',
    'profile',
    'picture',
    'website',
    'gender',
    'birthdate',
    'zoneinfo',
    'locale',
    'updated_at',
  ],
  email: ['email', 'email_verified'],
  address: ['address'],
  phone: ['phone_number', 'phone_number_verified'],
  roles: ['roles'],
};

/** A claim is never set because somebody asked for a value; these facts belong to the service alone. */
const reserved = new Set(['sub', 'acr', 'amr', 'auth_time', 'iss', 'aud', 'exp', 'iat', 'nonce', 'sid', 'roles']);

/** The account of a person who is read when something is to be told of them, which the authorization endpoint never does. */
export function accountReadLater(userId: string, find: () => Promise<User | undefined>) {
  return {
    accountId: userId,
    async claims(...asked: Parameters<ReturnType<typeof accountOf>['claims']>) {
      const user = await find();
      return user === undefined ? { sub: userId } : accountOf(user).claims(...asked);
    },
  };
}

/** What the engine may tell of a person; it picks what the scopes and the claims parameter allow. */
export function accountOf(user: User) {
  return {
    accountId: user.id,
    claims(_use: string, _scope: string, _claims: Record<string, ClaimsParameterMember | null>, _rejected: string[]) {
      const extra = Object.fromEntries(Object.entries(user.claims).filter(([name]) => !reserved.has(name)));
      return {
        ...extra,
        sub: user.id,
        preferred_username: user.username,
        ...(user.email === null ? {} : { email: user.email, email_verified: user.emailVerified }),
        ...(user.locale === null ? {} : { locale: user.locale }),
        ...(user.zoneinfo === null ? {} : { zoneinfo: user.zoneinfo }),
        updated_at: Math.floor(user.updatedAt.getTime() / 1000),
        roles: user.roles,
      };
    },
  };
}
