import type { Proof } from '../domain/proof.ts';
import type { User } from '../domain/user.ts';
import type { SigningAlgorithm, SigningKey } from '../domain/signing-key.ts';

export interface SessionRecord {
  readonly uid: string;
  readonly userId: string | null;
  /** What the engine keeps, without the session's id and the relying parties' part. */
  readonly payload: Record<string, unknown>;
  /** The relying parties' part: client id to `{ sid, grantId }`. */
  readonly authorizations: Record<string, unknown>;
}

/** A session as it is written. */
export interface SavedSession {
  readonly idHash: string;
  readonly session: SessionRecord;
  readonly origin: { readonly address: string; readonly userAgent: string };
  readonly lifetimeSeconds: number;
  /** Whether it is not stored yet, as far as the request that saves it knows. */
  readonly isNew?: boolean;
}

export interface ListedSession {
  readonly uid: string;
  readonly userAgent: string;
  readonly address: string;
  readonly startedAt: Date;
  readonly lastSeenAt: Date;
  readonly clientIds: readonly string[];
}

/** Browser sessions. Once ended, no racing save revives one; relying parties' parts are merged, never overwritten. */
export interface SessionStore {
  save(session: SavedSession): Promise<void>;
  find(idHash: string, idleSeconds: number): Promise<SessionRecord | undefined>;
  findByUid(uid: string): Promise<SessionRecord | undefined>;
  /** Takes the id from a session, as its rotation does; the session itself goes on. */
  forgetId(idHash: string): Promise<void>;
  end(uid: string, reason: string): Promise<boolean>;
  /**
   * Ends with them what is on its way: no sign-in that began before leads to a session. Answers how many sessions there
   * were, and the person's security stamp from now on.
   */
  endAll(
    userId: string,
    reason: string,
    exceptUid?: string,
  ): Promise<{ readonly count: number; readonly securityStamp: string }>;
  /** Ends all but the `keep` that were seen last; answers how many. */
  endIdlest(userId: string, keep: number, reason: string): Promise<number>;
  list(userId: string): Promise<ListedSession[]>;
  /**
   * Ends the half-way sign-ins of so many people, by their ids from after `after` on, but of those whose row is in use.
   * `last` is the last id, undefined where there is nobody left.
   */
  endHalfway(
    most: number,
    after: string | undefined,
  ): Promise<{ readonly last: string | undefined; readonly inUse: readonly string[] }>;
  /** Ends the half-way sign-ins of these people, once their rows are free. */
  endHalfwayOf(userIds: readonly string[]): Promise<void>;
  /** Ends so many of everybody's sessions at once; answers how many. Passes by those in use unless it `waits` for them. */
  endSome(most: number, reason: string, waits: boolean): Promise<number>;
}

/** A grant as operators see it. */
export interface ListedGrant {
  readonly id: string;
  readonly clientId: string;
  readonly scopes: readonly string[];
  readonly createdAt: Date;
  readonly expiresAt: Date;
}

/** A grant as it is written. */
export interface SavedGrant {
  readonly id: string;
  readonly userId: string;
  readonly clientId: string;
  readonly payload: Record<string, unknown>;
  readonly lifetimeSeconds: number;
}

export interface TokenRecord {
  readonly idHash: string;
  readonly kind: string;
  readonly grantId: string;
  readonly sessionUid: string | null;
  /** Lives on after the session ended (`offline_access`). */
  readonly offline: boolean;
  readonly payloadSealed: string;
}

export interface FoundToken {
  readonly payloadSealed: string;
  readonly consumedAt: Date | null;
  readonly answeredAt: Date | null;
  /** Whose it is. */
  readonly user: User;
  /** Undefined where it expired before the token. */
  readonly grant: { readonly id: string; readonly payload: Record<string, unknown> } | undefined;
}

/** That the redemption which won was answered. */
export interface AnsweredMark {
  readonly kind: 'AuthorizationCode' | 'RefreshToken';
  readonly idHash: string;
  readonly at: Date;
}

/** Grants, and the tokens whose loss or revival would matter. */
export interface TokenStore {
  saveGrant(grant: SavedGrant): Promise<void>;
  findGrant(id: string): Promise<Record<string, unknown> | undefined>;
  /** Ends a grant and every token under it; answers whether it was there. */
  removeGrant(id: string): Promise<boolean>;
  removeGrantsOf(userId: string, clientId?: string): Promise<number>;
  /** Live grants of a person, by id, from after `after` on. */
  listGrants(userId: string, limit: number, after: string | undefined): Promise<ListedGrant[]>;
  /** Ends one grant of this very person. */
  removeGrantOf(userId: string, grantId: string): Promise<boolean>;
  /** Ends everything that was granted to a client, and forgets the consents. */
  removeClient(clientId: string): Promise<void>;
  /** Ends so many of everybody's grants at once; answers how many there were. */
  removeSomeGrants(most: number): Promise<number>;
  /** Throws `grant_ended` (Conflict) where the grant is gone. */
  save(token: TokenRecord, lifetimeSeconds: number): Promise<void>;
  /** Only while its grant, its person and, unless offline, its session live. */
  find(kind: string, idHash: string): Promise<FoundToken | undefined>;
  /** Of any number of parallel calls one answers true. */
  consume(kind: string, idHash: string): Promise<boolean>;
  /** Notes which token took the place of a rotated one, with its value sealed. */
  setSuccessor(idHash: string, successorHash: string, successorSealed: string): Promise<void>;
  /** The sealed value of a token's successor, while that is there and unused. */
  findUnusedSuccessor(idHash: string): Promise<string | undefined>;
  remove(kind: string, idHash: string): Promise<void>;
  removeByGrant(kind: string, grantId: string): Promise<void>;
  /** Whether a token kept elsewhere still has all it depends on. */
  isLive(grantId: string, sessionUid: string | null, offline: boolean): Promise<boolean>;
  readConsent(userId: string, clientId: string): Promise<readonly string[]>;
  saveConsent(userId: string, clientId: string, scopes: readonly string[]): Promise<void>;
  listConsents(userId: string): Promise<ListedConsent[]>;
  /** Who may act for a person: by a remembered consent, or by a grant that lives. */
  listApplications(userId: string): Promise<ListedApplication[]>;
  /** Forgets a consent and ends all that was granted, by it or without one; answers whether there was anything. */
  removeConsent(userId: string, clientId: string): Promise<boolean>;
}

export interface ListedConsent {
  readonly clientId: string;
  readonly scopes: readonly string[];
  readonly allowedAt: Date;
}

export interface ListedApplication {
  readonly clientId: string;
  /** As consents name them: `scope`, or `resource scope` (see `readConsentName`). */
  readonly scopes: readonly string[];
  readonly allowedAt: Date;
  readonly lastUsedAt: Date | null;
}

/** What one answer of the authorization endpoint leaves behind. */
export interface Issued {
  /** The interaction that this answer resumed, by the hash of its id. */
  readonly resumed: string | undefined;
  /** Who proved to be somebody before it, and how, which must still stand. */
  readonly proven: { readonly userId: string; readonly proof: Proof } | undefined;
  /** The session id that a rotation took away, by its hash; its session stays. */
  readonly forgotten: string | undefined;
  readonly grants: readonly SavedGrant[];
  readonly codes: readonly { readonly code: TokenRecord; readonly lifetimeSeconds: number }[];
  readonly session: SavedSession | undefined;
}

/**
 * Writes all of it or nothing, before the answer leaves. Throws `interaction_over` (Conflict) where the interaction was
 * resumed before, `not_proven` where what was proven in it does not stand any more, and `grant_ended` where the grant is
 * gone. Nothing of it waits for the disk: it may be lost together, like anything else that is only issued.
 */
export type WriteIssued = (issued: Issued) => Promise<void>;

/** Marks that stand for acts that may happen once: a resume, a pushed request's use, an assertion's identifier. */
export interface UsedOnceStore {
  /** Of any number of parallel calls one answers true. */
  mark(kind: string, idHash: string, lifetimeSeconds: number): Promise<boolean>;
  isMarked(kind: string, idHash: string): Promise<boolean>;
}

/** A key pair just made. */
export interface NewSigningKey {
  readonly kid: string;
  readonly algorithm: SigningAlgorithm;
  readonly publicJwk: Record<string, unknown>;
  readonly privateSealed: string;
}

export interface StoredSigningKey extends NewSigningKey, SigningKey {}

export interface SigningKeyStore {
  /** Until the end of the transaction no other replica changes a key. */
  lock(): Promise<void>;
  /** Every key, newest first, revoked ones too. */
  list(): Promise<StoredSigningKey[]>;
  insert(key: NewSigningKey, state: 'published' | 'active', at: Date): Promise<void>;
  setState(kid: string, state: 'active' | 'retired' | 'revoked', at: Date): Promise<void>;
  remove(kid: string): Promise<void>;
}
