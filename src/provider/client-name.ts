import { errors, type Provider } from 'oidc-provider';
import { isMetadataDocument } from './metadata-documents.ts';

/** What people know a client by. A document that describes one is read for a sign-in, not for its name. */
export async function clientName(provider: Provider, clientId: string): Promise<string> {
  if (isMetadataDocument(clientId)) return new URL(clientId).host;
  const client = await provider.Client.find(clientId).catch((error: unknown) => {
    // One that today's settings do not allow any more has no name here.
    if (error instanceof errors.OIDCProviderError) return undefined;
    throw error;
  });
  return client?.clientName ?? clientId;
}
