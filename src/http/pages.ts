import type { AccountPages } from './account-pages.ts';
import type { ConsolePages } from './console-pages.ts';
import type { AuthenticatorShown, EnrolmentShown, Form, ProofAsked, RelyingParty } from './page-parts.ts';

/** Locals that any page may be given beside its own. */
export interface CommonLocals {
  readonly relyingParty?: RelyingParty | undefined;
}

/** A step of a sign-in. `cancelAction`: a form that takes `csrf` and goes back to the relying party without signing in. */
interface Step extends Form {
  readonly cancelAction?: string | undefined;
}

/**
 * Pages of the sign-in and of links, by the name that stands in `data-page`. Fields that a page sends are named in its
 * comment; every form sends `csrf` too.
 */
interface SignInPages {
  /** Sends `login`, `password`. */
  password: Step & {
    /** From login_hint or the last try; never tells whether the name exists. */
    readonly login?: string | undefined;
    /** Why a signed-in person is asked again. */
    readonly reason?: 'again' | 'fresh-proof' | undefined;
    readonly forgotPasswordHref?: string | undefined;
    readonly signUpHref?: string | undefined;
    readonly retryAfterSeconds?: number | undefined;
  };
  /** Sends `code`, `authenticator` (only when several are given), `trust_browser` ('yes', only when offered). */
  'one-time-code': Step & {
    readonly accountName: string;
    /** 6 unless an imported authenticator has 8. */
    readonly digits?: number | undefined;
    readonly authenticators: readonly AuthenticatorShown[];
    readonly chosenAuthenticator?: string | undefined;
    /** Form that takes `csrf` and leads to the recovery-code page. */
    readonly recoveryCodeAction?: string | undefined;
    /** Form that takes `csrf` and goes back to the password. */
    readonly startAgainAction?: string | undefined;
    readonly askForHelpHref?: string | undefined;
    readonly purpose?: 'sign-in' | 'step-up' | undefined;
    readonly trustBrowserDays?: number | undefined;
    readonly retryAfterSeconds?: number | undefined;
  };
  /** Sends `code`, `replace_authenticator` ('yes' where the phone is lost). */
  'recovery-code': Step & {
    readonly accountName: string;
    /** Form that takes `csrf` and leads back to the one-time code. */
    readonly oneTimeCodeAction?: string | undefined;
    /** Form that takes `csrf` and mails a link which makes the browser it is opened in known. */
    readonly knownBrowserLinkAction?: string | undefined;
    readonly startAgainAction?: string | undefined;
    readonly askForHelpHref?: string | undefined;
    readonly retryAfterSeconds?: number | undefined;
  };
  /** Sends `code`, `label` (may be empty). */
  enrol: Step & {
    readonly accountName: string;
    readonly enrolment: EnrolmentShown;
    readonly label?: string | undefined;
    /** Why it is asked: a first factor during sign-in, one more on the account page, or one in place of a lost one. */
    readonly purpose: 'first' | 'another' | 'replacement';
    /** A person who may still go on without one (grace period): form that takes `csrf`, and the last day. */
    readonly laterAction?: string | undefined;
    readonly requiredFrom?: Date | undefined;
  };
  /** Shown once. Sends `saved` ('yes'). */
  'recovery-codes': Form & {
    readonly accountName: string;
    readonly codes: readonly string[];
    readonly createdAt: Date;
  };
  /** Sends `decision` ('allow' or 'deny'). */
  consent: Form & {
    readonly accountName: string;
    /** `description` is the operator's own sentence; known scopes have one in each language. */
    readonly scopes: readonly { readonly name: string; readonly isNew: boolean; readonly description?: string }[];
    /** Hosts of the APIs asked for (resource indicators), if any. */
    readonly resources?: readonly string[] | undefined;
    /** Rich authorization requests, whole: titles by language, and every field. */
    readonly details?:
      | readonly {
          readonly title: Readonly<Record<string, string>>;
          readonly fields: readonly { readonly name: string; readonly value: string }[];
        }[]
      | undefined;
    /** Whether the answer is kept, so that this is not asked again. */
    readonly remembered: boolean;
    /** The client cannot prove who it is (native or public). */
    readonly unverified?: boolean | undefined;
  };
  /** A guessed password must be replaced before going on. Sends `new_password`. */
  'change-password': Step & {
    readonly accountName: string;
    readonly leastLength: number;
    readonly reason: 'guessed-codes' | 'operator';
  };
  /** A step that was finished already, sent twice (409). */
  'already-done': { readonly continueHref: string };
  /** Everything that went wrong and cannot be put right on a form. */
  error: {
    readonly code: ErrorPageCode;
    /** The request id; support finds the log by it. */
    readonly reference: string;
    /** For `request-refused`: the protocol's own words, for whoever built the application. */
    readonly detail?: { readonly error: string; readonly description?: string | undefined } | undefined;
    /** A link that helps, by its path below the issuer. */
    readonly next?: { readonly path: string; readonly does: 'continue' | 'to-account' } | undefined;
    readonly retryAfterSeconds?: number | undefined;
    readonly askForHelpHref?: string | undefined;
  };
  /** Too many tries (429). */
  wait: {
    readonly reason: 'codes' | 'password' | 'enrolment' | 'link' | 'service';
    readonly retryAfterSeconds: number;
    readonly retryHref: string;
    readonly csrf?: string | undefined;
    /** Form that takes `csrf` and leads to the recovery-code page. */
    readonly recoveryCodeAction?: string | undefined;
    /** Form that takes `csrf` and mails a link which makes the browser it is opened in known. */
    readonly knownBrowserLinkAction?: string | undefined;
  };
  /** Sends `logout` ('yes'), or nothing by the second button (form `stayAction` or a link). */
  logout: Form & {
    readonly accountName?: string | undefined;
    /** Further hidden fields that the engine's form needs (its own `xsrf`). */
    readonly hidden?: Readonly<Record<string, string>> | undefined;
    readonly stayHref?: string | undefined;
  };
  'logged-out': { readonly continueHref?: string | undefined };
  /** Sends `user_code`. */
  'device-code': Form & {
    readonly userCode?: string | undefined;
    /** Further hidden fields that the engine's form needs (its own `xsrf`). */
    readonly hidden?: Readonly<Record<string, string>> | undefined;
  };
  /** Sends `confirm` ('yes') or `abort` ('yes'), `user_code` when given. */
  'device-confirm': Form & {
    readonly userCode: string;
    readonly accountName?: string | undefined;
    readonly scopes: readonly { readonly name: string; readonly isNew: boolean; readonly description?: string }[];
    /** Where the device asked from, if known. */
    readonly address?: string | undefined;
    readonly hidden?: Readonly<Record<string, string>> | undefined;
  };
  'device-done': { readonly result: 'allowed' | 'refused' };
  /** Sends `username`, `email`, `password`, `code`. */
  'first-operator': Form & {
    readonly username?: string | undefined;
    readonly email?: string | undefined;
    readonly leastLength: number;
    readonly enrolment: EnrolmentShown;
  };
  /**
   * Opened by a single-use link. Sends `password`, and `code` where `asksCode` or `enrolment` is given: the code that
   * confirms the new authenticator, or a recovery code that opens a closed second factor (may be left empty).
   */
  'set-password': Form & {
    readonly purpose: 'activation' | 'reset' | 'recovery' | 'reopen';
    readonly accountName: string;
    readonly leastLength: number;
    readonly enrolment?: EnrolmentShown | undefined;
    readonly asksCode?: boolean | undefined;
  };
  /** Sends `login`. */
  'forgot-password': Form & { readonly login?: string | undefined; readonly backHref?: string | undefined };
  /** Sends `email`. */
  'sign-up': Form & { readonly email?: string | undefined; readonly backHref?: string | undefined };
  /** The same for known and unknown names. */
  'mail-link-sent': {
    readonly purpose: 'reset' | 'first-enrolment' | 'known-browser' | 'confirm-email' | 'sign-up';
    readonly validMinutes: number;
    /** Only where the person gave or proved it; never after a name was typed by a stranger. */
    readonly email?: string | undefined;
    /** A person who may still go on without a factor (grace period): form that takes `csrf`, and the last day. */
    readonly laterAction?: string | undefined;
    readonly requiredFrom?: Date | undefined;
    readonly csrf?: string | undefined;
    readonly backHref?: string | undefined;
  };
  /** What a mailed link opens; the button does the act, so that a mail scanner's visit does nothing. Sends nothing. */
  'confirm-by-link': Form & {
    readonly purpose: 'first-enrolment' | 'known-browser' | 'confirm-email' | 'sign-up';
    readonly email?: string | undefined;
  };
  /** "This was not me": one button. Sends nothing. */
  'not-me': Form & {
    readonly event?: { readonly what: string; readonly at: Date; readonly address?: string } | undefined;
    /** Without a confirmed address nobody could be led back: the person stays signed in, and nothing is undone. */
    readonly staysHere?: boolean;
    readonly backHref?: string | undefined;
  };
  /** A person without authenticator and recovery codes asks the operators. Sends `login`, `message`. */
  'ask-for-help': Form & { readonly login?: string | undefined; readonly backHref?: string | undefined };
  /** Something was done; nothing more is to do here. */
  notice: { readonly code: NoticePageCode; readonly continueHref?: string | undefined };
  /** What the server can see of whoever opens it, and how long it keeps what. */
  'what-we-see': {
    readonly address: string;
    readonly browser: string;
    readonly activityDays: number;
    readonly backHref?: string | undefined;
  };
}

/** Pages that tell of something wrong (`error-page.<code>.title`, `.text`). */
export const errorPageCodes = [
  'not-found',
  'method-not-allowed',
  'bad-request',
  'too-large',
  /** A form older than the sign-in, of another browser, or sent by another site (403). */
  'form-expired',
  'forbidden',
  /** The sign-in is over, expired or was begun in another browser. */
  'sign-in-gone',
  /** The relying party's request is at fault; `detail` says what, in the protocol's words. */
  'request-refused',
  'link-used',
  /** The authenticator's secret cannot be opened: an operator must act. */
  'secret-unreadable',
  /** The second factor is closed after too many guesses, and this page says how it opens again. */
  'second-factor-closed',
  /** First enrolment needs an operator's link. */
  'enrolment-needs-operator',
  'acr-unmet',
  'busy',
  'unavailable',
  'internal',
] as const;
export type ErrorPageCode = (typeof errorPageCodes)[number];

/** Pages that say something is done (`notice-page.<code>.title`, `.text`). */
export const noticePageCodes = [
  'password-set',
  'account-ready',
  'email-confirmed',
  'browser-known',
  'not-me-done',
  'help-requested',
  'account-deleted',
] as const;
export type NoticePageCode = (typeof noticePageCodes)[number];

/** Every page and the locals it takes. */
export interface Pages extends SignInPages, AccountPages, ConsolePages {}
export type PageName = keyof Pages;

export type { AuthenticatorShown, EnrolmentShown, Form, ProofAsked, RelyingParty };
export type { FormError, FormErrorCode } from './page-parts.ts';
