import type { FormError } from './page-parts.ts';

/** On every page of the operators' console. */
export interface ConsoleFrame {
  readonly csrf: string;
  readonly person: { readonly name: string; readonly username: string };
  /** The sections this person's roles open. */
  readonly sections: readonly ConsoleSection[];
  readonly error?: FormError | undefined;
}

export type ConsoleSection = 'users' | 'clients' | 'keys' | 'audit' | 'report' | 'health';

/** The kinds of applications that the console registers, each explained on its page. */
export const consoleClientKinds = ['server', 'browser', 'native'] as const;
export type ConsoleClientKind = (typeof consoleClientKinds)[number];

export type UserStatusShown = 'active' | 'disabled' | 'pending';
export type FactorShown = 'enabled' | 'pending' | 'none' | 'closed';

export interface ConsoleUser {
  readonly id: string;
  readonly username: string;
  readonly name: string;
  readonly email: string | null;
  readonly status: UserStatusShown;
  readonly roles: readonly string[];
  readonly factor: FactorShown;
  readonly factorRequired: boolean;
  readonly recoveryCodesRemaining: number;
  readonly lastUsedAt: Date | null;
  readonly createdAt: Date;
  readonly authenticators: readonly { readonly id: string; readonly label: string; readonly lastUsedAt: Date | null }[];
}

/** What an operator may do for one person; each has a page of its own that names the person. */
export const consoleActs = [
  'reset',
  'reopen',
  'end-sessions',
  'password-reset',
  'activation-link',
  'disable',
  'enable',
] as const;
/** The same for one of several things of theirs. */
export const consoleItemActs = ['end-session', 'end-grant', 'remove-authenticator'] as const;
export type ConsoleItemAct = (typeof consoleItemActs)[number];
export type ConsoleAct = (typeof consoleActs)[number] | ConsoleItemAct;

export interface ConsoleLane {
  readonly kind: 'open' | 'waits' | 'closed';
  readonly until: Date | null;
}

/** What guessing did: for support, in words. */
export interface ConsoleGuard {
  readonly units: number;
  readonly cap: number;
  readonly passwordMustChange: boolean;
  readonly lanes: { readonly known: ConsoleLane; readonly other: ConsoleLane };
}

/** Why an act was refused (`console.refused.<code>`). */
export const consoleRefusals = [
  'own-account',
  'target-has-role',
  'last-operator',
  'already-set-up',
  'user-disabled',
  'last-authenticator',
  'reason',
  'something',
] as const;
export type ConsoleRefusal = (typeof consoleRefusals)[number];

/** Who or what an event names: its id, and its user name where it is a person that is there. */
export interface ConsoleParty {
  readonly id: string;
  readonly name: string | null;
}

export interface ConsoleEvent {
  readonly id: string;
  readonly at: Date;
  readonly type: string;
  readonly actor: ConsoleParty;
  readonly target: ConsoleParty;
  readonly result: 'success' | 'failure';
  readonly reason: string | null;
  /** Null for what no request did: the command line, a schedule, the start. */
  readonly requestId: string | null;
  readonly address: string | null;
}

export interface ConsoleClient {
  readonly id: string;
  readonly name: string;
  readonly redirectUris: readonly string[];
  readonly confidential: boolean;
  readonly secrets: readonly { readonly id: string; readonly createdAt: Date; readonly expiresAt: Date | null }[];
}

/** The console. Every form sends `csrf` too. */
export interface ConsolePages {
  /** Sends by GET `query`, `status`, `second_factor`. */
  'console-users': ConsoleFrame & {
    readonly filter: { readonly query: string; readonly status: string; readonly secondFactor: string };
    readonly users: readonly ConsoleUser[];
    readonly total: number;
    readonly moreHref: string | null;
  };
  'console-user': ConsoleFrame & {
    readonly user: ConsoleUser;
    readonly acts: readonly ConsoleAct[];
    readonly itemActs: readonly ConsoleItemAct[];
    readonly guard: ConsoleGuard;
    readonly sessions: readonly {
      readonly id: string;
      readonly userAgent: string;
      readonly address: string;
      readonly lastSeenAt: Date;
    }[];
    readonly grants: readonly {
      readonly id: string;
      readonly client: { readonly id: string; readonly name: string };
      readonly scopes: readonly string[];
      readonly createdAt: Date;
    }[];
    readonly help: readonly { readonly id: string; readonly message: string; readonly createdAt: Date }[];
    readonly recent: readonly ConsoleEvent[];
  };
  /** Sends `reason`. */
  'console-act': ConsoleFrame & {
    readonly act: ConsoleAct;
    /** Of an act on one of several things: its id, and what it is. */
    readonly item: { readonly id: string; readonly name: string } | null;
    readonly user: Pick<ConsoleUser, 'id' | 'username' | 'name'>;
    readonly reason: string;
    readonly refused: ConsoleRefusal | null;
  };
  /** A link or secret, shown this once. */
  'console-once': ConsoleFrame & {
    readonly what: 'link' | 'secret';
    readonly name: string;
    /** Of an application that was added. */
    readonly clientId?: string | undefined;
    readonly value: string;
    readonly backHref: string;
  };
  'console-clients': ConsoleFrame & { readonly clients: readonly ConsoleClient[]; readonly moreHref: string | null };
  /** Sends `name`, `kind`, `redirect_uris` (one a line) and `two_factors`. */
  'console-new-client': ConsoleFrame & {
    readonly typed: {
      readonly name: string;
      readonly kind: ConsoleClientKind;
      readonly redirectUris: string;
      readonly alwaysTwoFactors: boolean;
    };
  };
  /** Sends nothing to publish successors, `reason` to revoke one. */
  'console-keys': ConsoleFrame & {
    readonly keys: readonly {
      readonly kid: string;
      readonly algorithm: string;
      readonly state: 'published' | 'active' | 'retired' | 'revoked';
      /** Since when it has been in this state. */
      readonly since: Date;
    }[];
    readonly refused: boolean;
  };
  /**
   * Sends `name`, `redirect_uris` and `sign_out_uris` (one a line), `scope`, `two_factors`, `more` (JSON of all other
   * metadata) and `version`.
   */
  'console-edit-client': ConsoleFrame & {
    readonly client: ConsoleClient;
    readonly typed: {
      readonly version: string;
      readonly name: string;
      readonly redirectUris: string;
      readonly signOutUris: string;
      readonly scope: string;
      readonly alwaysTwoFactors: boolean;
      readonly more: string;
    };
  };
  /** Sends `client_id`, typed once more. */
  'console-delete-client': ConsoleFrame & { readonly client: ConsoleClient };
  /** What a test sign-in came to. */
  'console-test': ConsoleFrame & {
    readonly client: ConsoleClient;
    readonly result: {
      readonly scopes: readonly string[];
      readonly claims: Readonly<Record<string, unknown>>;
    } | null;
    /** The error, in the protocol's words. */
    readonly failed: string | null;
  };
  'console-health': ConsoleFrame & {
    readonly at: Date;
    readonly findings: readonly {
      readonly check: string;
      readonly state: 'ok' | 'warning' | 'failed';
      readonly what: string;
      readonly advice: string | null;
    }[];
  };
  /** Its form sends nothing: another secret. */
  'console-client': ConsoleFrame & { readonly client: ConsoleClient; readonly refused: boolean };
  /** Sends by GET `type`, `person`, `actor`, `from`, `to` (days) and `request_id`. */
  'console-audit': ConsoleFrame & {
    readonly filter: {
      readonly type: string;
      readonly person: string;
      readonly actor: string;
      readonly from: string;
      readonly to: string;
      readonly requestId: string;
    };
    readonly types: readonly string[];
    readonly events: readonly ConsoleEvent[];
    readonly exportHref: string;
    readonly moreHref: string | null;
  };
  /** Sends by GET `user`, `client_id`. */
  'console-report': ConsoleFrame & {
    readonly counts: Readonly<Record<FactorShown, number>>;
    readonly people: number;
    readonly asked: { readonly user: string; readonly clientId: string };
    readonly steps: readonly { readonly step: string; readonly reasons: readonly string[] }[] | null;
  };
}
