/**
 * What somebody has proven, and what must still stand when that leads to something: the person's security stamp of when a
 * sign-in began, or the session in which they are signed in.
 */
export type Proof = { readonly securityStamp: string } | { readonly sessionUid: string };

/** Nobody's: a sign-in that does not say what it proved leads nowhere. */
export const noSecurityStamp = '00000000-0000-0000-0000-000000000000';
