/** What a relying party asks a person who is elsewhere (OpenID Connect CIBA Core 1.0). */
export interface NewBackchannelRequest {
  readonly id: string;
  readonly userId: string;
  readonly clientId: string;
  /** What the relying party shows as well, so that the person can compare; '' where it gave none. */
  readonly bindingMessage: string;
  readonly scope: string;
  readonly resource: string | null;
  /** The request's own id, and the token with which its answer is announced, sealed to this row. */
  readonly requestSealed: string;
}

export interface BackchannelRequest extends NewBackchannelRequest {
  readonly createdAt: Date;
  readonly expiresAt: Date;
}

export interface BackchannelRequestStore {
  add(request: NewBackchannelRequest, lifetimeSeconds: number): Promise<void>;
  /** What waits for this person's answer, oldest first. */
  listWaiting(userId: string): Promise<BackchannelRequest[]>;
  /** Decides a waiting request of this very person; of any number of parallel calls one gets it. */
  decide(userId: string, id: string, decision: 'approved' | 'refused'): Promise<BackchannelRequest | undefined>;
}
