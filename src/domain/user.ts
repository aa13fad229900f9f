/** What a person may do beside using their own account. */
export type Role = 'operator' | 'help-desk' | 'auditor';

export const roles: readonly Role[] = ['operator', 'help-desk', 'auditor'];

/** A person with an account. */
export interface User {
  /** UUID; the subject (`sub`) of every token. */
  readonly id: string;
  readonly username: string;
  readonly email: string | null;
  readonly emailVerified: boolean;
  /** PHC or another stored form; null until the person has set one. */
  readonly passwordHash: string | null;
  /** UUID, another one whenever all sessions end or the password changes: a sign-in that began before is over then. */
  readonly securityStamp: string;
  readonly passwordChangedAt: Date | null;
  readonly disabledAt: Date | null;
  readonly roles: readonly Role[];
  /** Further claims in the names of OpenID Connect Core section 5.1. */
  readonly claims: Readonly<Record<string, unknown>>;
  /** BCP 47. */
  readonly locale: string | null;
  /** IANA time zone. */
  readonly zoneinfo: string | null;
  readonly createdAt: Date;
  readonly updatedAt: Date;
  /** Raised at every change; the ETag of the admin API. */
  readonly version: number;
}

export function isRole(text: string): text is Role {
  return (roles as readonly string[]).includes(text);
}
