/** Parts that the locals of many pages share. Everything here is a plain value: templates escape, format and translate. */

/**
 * What can be wrong with a form. Each code has a sentence in every language (`form-error.<code>`); `values` fills its
 * blanks. `field` names the input it belongs to (its `name`); without one the sentence stands above the form.
 */
export interface FormError {
  readonly code: FormErrorCode;
  readonly field?: string;
  readonly values?: Readonly<Record<string, string | number>>;
  /** What the rule itself says, in English, where no sentence of ours does. */
  readonly words?: string;
}

export const formErrorCodes = [
  /** The one answer for an unknown name, a wrong password, a disabled account and a closed door. */
  'wrong-password',
  /** The current password, asked again of a person who is signed in. */
  'wrong-current-password',
  /** The one answer for wrong, replayed, early and late one-time codes. */
  'wrong-code',
  /** Recovery codes that are wrong or used. */
  'wrong-recovery-code',
  /** A field that takes either kind of code. */
  'wrong-proof',
  /** `values: { minutes }`. The phone's clock is ahead of, or behind, the right time. */
  'clock-ahead',
  'clock-behind',
  /** `values: { triesLeft }`. The confirming code of an enrolment. */
  'wrong-enrolment-code',
  /** The pending authenticator expired or its tries are spent; a new one was made and is shown. */
  'enrolment-void',
  /** `values: { seconds }`. Too many tries; the page shows a countdown. */
  'wait',
  /** The five tries of this challenge are spent; the password is asked again. */
  'challenge-spent',
  'session-ended',
  'required',
  'too-long',
  /** `values: { least }` */
  'password-too-short',
  /** `values: { most }` */
  'password-too-long',
  'password-common',
  'password-unchanged',
  'username-invalid',
  'username-taken',
  'email-invalid',
  'email-taken',
  'label-invalid',
  'locale-unknown',
  'zone-unknown',
  /** The box "I have saved them" is not ticked. */
  'not-saved',
  /** What must be typed to confirm a deletion is not the account's name. */
  'name-differs',
  'last-authenticator',
  /** `values: { most }` */
  'too-many-authenticators',
  'device-code-unknown',
  /** The console: no such person, no such relying party. */
  'person-unknown',
  'client-unknown',
  /** A relying party's form. `values: { address }` */
  'redirect-no-address',
  'redirect-not-https',
  'json-invalid',
  'changed-meanwhile',
  /** What must be typed to confirm a deletion is not its client_id. */
  'id-differs',
  /** Everything else; `words` say what. */
  'refused',
  'busy',
] as const;

export type FormErrorCode = (typeof formErrorCodes)[number];

/** A page that is a form: where it is sent, the token against forgery (field `csrf`), and what was wrong last time. */
export interface Form {
  /** Path on our own origin. */
  readonly action: string;
  /** Value of the hidden field `csrf`. */
  readonly csrf: string;
  readonly error?: FormError | undefined;
}

/** Who a person signs in to, as shown to people. Texts come from the client's registration and are never trusted. */
export interface RelyingParty {
  /** Its client id, by which its branding is found. */
  readonly id?: string | undefined;
  readonly name: string;
  /** Host of the redirect URI in use; what a person can check. */
  readonly host: string;
  /** Shown only when it is a `data:` image or a path on our own origin; otherwise its first letter stands in. */
  readonly logoUri?: string | undefined;
  readonly policyUri?: string | undefined;
  readonly termsUri?: string | undefined;
  /**
   * Origins (or `scheme:` of a native app) that this sign-in may lead to: all registered redirect URIs' and the
   * client_uri's. Chromium applies `form-action` to the redirects after a form, so these are added to it.
   */
  readonly formTargets?: readonly string[] | undefined;
}

/** What a person scans or types to enrol; all of it comes from `startEnrolment`. */
export interface EnrolmentShown {
  /** Base32, without spaces; the page groups it in fours. */
  readonly secret: string;
  readonly otpauthUri: string;
  /** A whole `<svg>` element made by us; put into the page as it is. */
  readonly qrSvg: string;
  readonly expiresAt?: Date | undefined;
}

export interface AuthenticatorShown {
  readonly id: string;
  readonly label: string;
  readonly createdAt?: Date | undefined;
  readonly lastUsedAt?: Date | null | undefined;
}

/** What the forms of the account page ask as fresh proof; the page draws these fields and no other. */
export interface ProofAsked {
  /** Field `current_password`. */
  readonly password?: boolean | undefined;
  /** Field `code`, a one-time code or a recovery code. */
  readonly code?: boolean | undefined;
}
