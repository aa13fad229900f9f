import { hashToken } from '../crypto/random.ts';

/** A secret as the store takes it. */
export interface SecretToStore {
  readonly hash: string;
  /** The secret itself, to be sealed, of a client that signs with it; undefined where a comparison is all there is. */
  readonly kept: string | undefined;
}

type Metadata = Readonly<Record<string, unknown>>;

/** How the client proves who it is; the default is that of RFC 7591. */
export function authMethodOf(metadata: Metadata): unknown {
  return metadata['token_endpoint_auth_method'] ?? 'client_secret_basic';
}

export function hasSecrets(metadata: Metadata): boolean {
  const method = authMethodOf(metadata);
  return method === 'client_secret_basic' || method === 'client_secret_post' || signsWithSecret(metadata);
}

/** Whether the service must know the secret to check what was signed with it (`client_secret_jwt`). */
export function signsWithSecret(metadata: Metadata): boolean {
  return authMethodOf(metadata) === 'client_secret_jwt';
}

export function toStore(secret: string, metadata: Metadata): SecretToStore {
  return { hash: hashToken(secret), kept: signsWithSecret(metadata) ? secret : undefined };
}
