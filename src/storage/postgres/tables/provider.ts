import type { ColumnType, Generated } from 'kysely';

export interface ProviderTables {
  relying_parties: RelyingPartiesTable;
  relying_party_secrets: RelyingPartySecretsTable;
  sessions: SessionsTable;
  grants: GrantsTable;
  tokens: TokensTable;
  used_once: UsedOnceTable;
  service_secrets: ServiceSecretsTable;
  initial_access_tokens: InitialAccessTokensTable;
  registration_access_tokens: RegistrationAccessTokensTable;
  consents: ConsentsTable;
  signing_keys: SigningKeysTable;
  backchannel_requests: BackchannelRequestsTable;
}

type Json = ColumnType<Record<string, unknown>, string, string>;
type Expiry = ColumnType<Date, Date | string, Date | string>;

export interface RelyingPartiesTable {
  client_id: string;
  /** In the names of RFC 7591. */
  metadata: Json;
  first_party: Generated<boolean>;
  require_pkce: Generated<boolean>;
  acr_values: string[];
  created_at: Generated<Date>;
  updated_at: Generated<Date>;
  version: Generated<number>;
}

export interface RelyingPartySecretsTable {
  id: string;
  client_id: string;
  secret_hash: string;
  /** The secret itself, of a client that signs with it. */
  secret_sealed: Generated<string | null>;
  created_at: Generated<Date>;
  expires_at: Date | null;
}

export interface BackchannelRequestsTable {
  id: string;
  user_id: string;
  client_id: string;
  binding_message: string;
  scope: string;
  resource: string | null;
  request_sealed: string;
  created_at: Generated<Date>;
  expires_at: Expiry;
  decided_at: Date | null;
  decision: string | null;
}

export interface SessionsTable {
  uid: string;
  id_hash: string | null;
  user_id: string | null;
  payload: Json;
  authorizations: Json;
  user_agent: Generated<string>;
  address: Generated<string>;
  created_at: Generated<Date>;
  last_seen_at: Generated<Date>;
  expires_at: Expiry;
  ended_at: Date | null;
  end_reason: string | null;
}

export interface GrantsTable {
  id: string;
  user_id: string;
  client_id: string;
  payload: Json;
  created_at: Generated<Date>;
  last_used_at: Generated<Date>;
  expires_at: Expiry;
}

export interface TokensTable {
  id_hash: string;
  kind: string;
  grant_id: string;
  session_uid: string | null;
  offline: boolean;
  payload_sealed: string;
  consumed_at: Date | null;
  /** When the redemption that won was answered, by the clock of the replica that did. */
  answered_at: Date | null;
  /** The token that took the place of a rotated one. */
  successor_hash: string | null;
  successor_sealed: string | null;
  expires_at: Expiry;
}

/** Secrets of the service that never change; see `service-secret.ts`. */
export interface ServiceSecretsTable {
  name: string;
  value_sealed: string;
  created_at: Generated<Date>;
}

/** What lets somebody register a relying party (RFC 7591 section 3), by its hash. */
export interface InitialAccessTokensTable {
  id: string;
  token_hash: string;
  uses_left: number;
  created_at: Generated<Date>;
  expires_at: Expiry;
}

/** What lets a relying party manage its own registration (RFC 7592), by its hash. */
export interface RegistrationAccessTokensTable {
  client_id: string;
  token_hash: string;
  created_at: Generated<Date>;
}

export interface UsedOnceTable {
  kind: string;
  id_hash: string;
  expires_at: Expiry;
}

export interface ConsentsTable {
  user_id: string;
  client_id: string;
  scopes: string[];
  updated_at: Generated<Date>;
}

export interface SigningKeysTable {
  kid: string;
  algorithm: string;
  public_jwk: Json;
  private_sealed: string;
  created_at: Generated<Date>;
  state: string;
  published_at: Date;
  activated_at: Date | null;
  retired_at: Date | null;
  revoked_at: Date | null;
}
