/** What a single-use link is for; one made for one purpose serves no other. */
export type LinkPurpose =
  | 'first-operator'
  | 'activation'
  | 'recovery'
  | 'password-reset'
  | 'known-browser'
  | 'first-enrolment'
  | 'email-confirm'
  | 'sign-up';

export interface Link {
  readonly purpose: LinkPurpose;
  readonly userId: string | null;
  /** What the link needs to remember: an address that is to be confirmed, the sign-in it continues. */
  readonly details?: Readonly<Record<string, string>>;
}

export interface LinkStore {
  issue(tokenHash: string, link: Link, lifetimeSeconds: number): Promise<void>;
  /** Whether it could be used now; looking does not use it, so a mail scanner's visit does no harm. */
  peek(tokenHash: string, purposes: readonly LinkPurpose[]): Promise<Link | undefined>;
  /** Uses it once: of any number of parallel calls one gets it. */
  use(tokenHash: string, purposes: readonly LinkPurpose[]): Promise<Link | undefined>;
  /** A person's open link of a purpose, without using it; the newest. */
  findOpen(userId: string, purpose: LinkPurpose): Promise<Link | undefined>;
  /** Makes all open links of a person void, after the password changed by another way. */
  voidAll(userId: string): Promise<void>;
  /** Makes a person's open links of one purpose void: a newer one takes their place. */
  voidOf(userId: string, purpose: LinkPurpose): Promise<void>;
  /** Makes all open links of a purpose void. */
  voidPurpose(purpose: LinkPurpose): Promise<void>;
}
