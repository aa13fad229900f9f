import type { AuthenticatorShown, EnrolmentShown, FormError, ProofAsked } from './page-parts.ts';

/** What the status line of an account page says after an act (`account-notice.<code>`). */
export const accountNoticeCodes = [
  'authenticator-added',
  'authenticator-removed',
  'authenticator-renamed',
  'enrolment-cancelled',
  'recovery-codes-saved',
  'password-changed',
  'session-ended',
  'other-sessions-ended',
  'application-revoked',
  'browser-forgotten',
  'all-browsers-forgotten',
  'profile-saved',
  'email-link-sent',
  'email-changed',
  'request-approved',
  'request-refused',
  'request-gone',
] as const;
export type AccountNoticeCode = (typeof accountNoticeCodes)[number];

/** On every account page. All its forms send `csrf`. */
export interface AccountFrame {
  readonly csrf: string;
  readonly person: { readonly name: string; readonly username: string; readonly email?: string | null };
  /** Shows the link to the operators' console. */
  readonly isOperator?: boolean | undefined;
  /** Shows the section only where browsers may be trusted. */
  readonly trustedBrowsersAllowed?: boolean | undefined;
  /** Shows the section only where people may delete their account. */
  readonly deletionAllowed?: boolean | undefined;
  readonly notice?: AccountNoticeCode | undefined;
  readonly error?: FormError | undefined;
}

/** Something that happened, in words: `activity.<type>` where that exists, else `activity.other`. */
export interface ActivityShown {
  readonly id: string;
  /** Type of the audit event, such as `one-time-code.accepted`. */
  readonly type: string;
  readonly result: 'success' | 'failure';
  readonly at: Date;
  readonly address: string;
  readonly userAgent: string;
  readonly relyingParty?: string | undefined;
  /** Whether "this was not me" makes sense: not for acts of operators, nor for what was undone already. */
  readonly mayBeDisputed?: boolean | undefined;
}

export interface SessionShown {
  readonly id: string;
  readonly userAgent: string;
  readonly address: string;
  readonly startedAt: Date;
  readonly lastSeenAt: Date;
  readonly isThis: boolean;
  readonly applications?: readonly string[] | undefined;
}

export interface ApplicationShown {
  /** client_id */
  readonly id: string;
  readonly name: string;
  readonly host?: string | undefined;
  readonly scopes: readonly string[];
  readonly allowedAt?: Date | undefined;
  readonly lastUsedAt?: Date | null | undefined;
}

export interface TrustedBrowserShown {
  readonly id: string;
  readonly userAgent: string;
  readonly address: string;
  readonly trustedAt: Date;
  readonly expiresAt: Date;
  readonly isThis: boolean;
}

/**
 * The account page. Addresses are part of the contract between templates and routes:
 * GET /account and the sections /account/{authenticators,recovery-codes,password,sessions,applications,
 * trusted-browsers,activity,profile,export,delete}; the POST addresses stand with each page.
 */
export interface AccountPages {
  /** POST /account/sign-in-requests/{id} (`decision`: approve with `code`, or refuse). */
  'sign-in-request': AccountFrame & {
    readonly request: {
      readonly id: string;
      readonly client: string;
      readonly message: string;
      readonly scopes: readonly string[];
      readonly createdAt: Date;
    } | null;
    readonly others: number;
  };
  /** GET /account. POST /account/sign-out from every page. */
  account: AccountFrame & {
    readonly secondFactor: {
      readonly enabled: boolean;
      readonly required: boolean;
      readonly authenticators: number;
      readonly recoveryCodesRemaining: number;
    };
    readonly passwordChangedAt?: Date | null | undefined;
    readonly emailVerified: boolean;
    readonly sessions: number;
    /** Relying parties' questions that wait for an answer (CIBA). */
    readonly waitingRequests: number;
    /** The latest few, newest first. */
    /** What guessing left behind since the sign-in before this one. */
    readonly warnings: readonly ActivityShown[];
    readonly recent: readonly ActivityShown[];
  };
  /**
   * POST /account/authenticators (`label`) starts an enrolment → /account/authenticators/add;
   * POST /account/authenticators/{id}/rename (`label`). Removing: GET /account/authenticators/{id}/remove.
   */
  authenticators: AccountFrame & {
    readonly authenticators: readonly AuthenticatorShown[];
    readonly pending?: { readonly label: string; readonly expiresAt: Date } | null | undefined;
    readonly most: number;
    /** Whether the policy lets the last one go. */
    readonly lastMayGo: boolean;
  };
  /** Answers a form that needs a fresher proof: sends it again (`hidden`), with a `code`, to where it was going. */
  'confirm-change': AccountFrame & {
    readonly action: string;
    readonly hidden: Readonly<Record<string, string>>;
  };
  /** GET and POST (`code`, `label`) /account/authenticators/add; POST /account/authenticators/add/cancel. */
  'add-authenticator': AccountFrame & {
    readonly enrolment: EnrolmentShown;
    readonly label?: string | undefined;
    readonly isFirst: boolean;
  };
  /** GET and POST (`code`) /account/authenticators/{id}/remove. */
  'remove-authenticator': AccountFrame & {
    readonly authenticator: AuthenticatorShown;
    readonly isLast: boolean;
  };
  /** GET and POST (`code`) /account/recovery-codes; the POST's answer is the page `new-recovery-codes`. */
  'account-recovery-codes': AccountFrame & {
    readonly remaining: number;
    readonly total: number;
    readonly enabled: boolean;
    readonly createdAt?: Date | null | undefined;
  };
  /** Shown once, in the answer to the POST. Its form: POST /account/recovery-codes/saved (`saved`). */
  'new-recovery-codes': AccountFrame & { readonly codes: readonly string[]; readonly createdAt: Date };
  /** GET and POST (`current_password`, `new_password`, `code`) /account/password. */
  'account-password': AccountFrame & {
    readonly changedAt?: Date | null | undefined;
    readonly leastLength: number;
    readonly proof: ProofAsked;
  };
  /** POST /account/sessions/{id}/end, POST /account/sessions/end-others. */
  sessions: AccountFrame & { readonly sessions: readonly SessionShown[] };
  /** POST /account/applications/{client_id}/revoke. */
  applications: AccountFrame & { readonly applications: readonly ApplicationShown[] };
  /** POST /account/trusted-browsers/{id}/forget, POST /account/trusted-browsers/forget-all. */
  'trusted-browsers': AccountFrame & { readonly browsers: readonly TrustedBrowserShown[] };
  /** Pages by `?cursor=`. "This was not me": GET /account/activity/{id}/not-me (page `not-me`). */
  activity: AccountFrame & {
    readonly events: readonly ActivityShown[];
    readonly days: number;
    readonly nextCursor?: string | null | undefined;
  };
  /**
   * POST /account/profile (`name`, `given_name`, `family_name`, `locale`, `zoneinfo`);
   * POST /account/profile/email (`email`, `current_password`, `code` as `emailProof` says).
   */
  profile: AccountFrame & {
    readonly profile: {
      readonly name?: string | undefined;
      readonly givenName?: string | undefined;
      readonly familyName?: string | undefined;
      readonly locale?: string | null | undefined;
      readonly zoneinfo?: string | null | undefined;
    };
    readonly email: {
      readonly address: string | null;
      readonly verified: boolean;
      /** A new address that waits for its link. */
      readonly waiting?: string | undefined;
    };
    readonly emailProof: ProofAsked;
  };
  /** POST /account/export (fields of `proof`) answers a JSON download. */
  export: AccountFrame & { readonly proof: ProofAsked };
  /** POST /account/delete (`username` typed out, and the fields of `proof`). */
  delete: AccountFrame & { readonly proof: ProofAsked };
}
