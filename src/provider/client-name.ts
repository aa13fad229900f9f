import type Provider from 'oidc-provider';
import { isMetadataDocument } from './metadata-documents.ts';

/** What people know a client by. A document that describes one is read for a sign-in, not for its name. */
export async function clientName(provider: Provider, clientId: string): Promise<string> {
  if (isMetadataDocument(clientId)) return new URL(clientId).host;
  return (await provider.Client.find(clientId))?.clientName ?? clientId;
}
