import type Provider from 'oidc-provider';
import { errors } from 'oidc-provider';
import { InvalidInput } from '../errors.ts';

/**
 * Reads metadata as the engine does when the relying party comes, so that what it would refuse then is refused now.
 * Throws `InvalidInput`; the engine's words begin with the field's name.
 */
export function checkMetadata(provider: Provider, metadata: Record<string, unknown>): void {
  const Client = provider.Client as unknown as new (metadata: Record<string, unknown>) => unknown;
  try {
    void new Client(JSON.parse(JSON.stringify(metadata)) as Record<string, unknown>);
  } catch (error) {
    if (!(error instanceof errors.OIDCProviderError)) throw error;
    const words = error.error_description ?? 'the metadata is refused';
    throw new InvalidInput(/^\w+/.exec(words)?.[0] ?? '', words, 'invalid_client_metadata');
  }
}
