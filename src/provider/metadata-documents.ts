import type { Client } from 'oidc-provider';
import { ownClientMetadata } from './own-client-metadata.ts';

/** Whose client id metadata documents are read: those of these hosts, or everybody's. */
export type MetadataDocumentHosts = readonly string[] | 'any';

/** Whether a client's id is the address of its metadata document. */
export function isMetadataDocument(clientId: string): boolean {
  return clientId.startsWith('https://');
}

/** Whether the document at that address is read at all. */
export function isHostAllowed(hosts: MetadataDocumentHosts, clientId: string): boolean {
  return URL.canParse(clientId) && (hosts === 'any' || hosts.includes(new URL(clientId).host));
}

/**
 * What a client that nobody registered may be: one that signs people in, at addresses of its document's own host or of a
 * program on the person's machine, with nothing that is an operator's to say.
 */
export function isDocumentAcceptable(clientId: string, client: Client): boolean {
  const fields = client as unknown as Record<string, unknown>;
  if (
    Object.values(ownClientMetadata).some(
      (name) => name !== ownClientMetadata.corsOrigins && fields[name] !== undefined,
    )
  ) {
    return false;
  }
  const grants = client.grantTypes ?? [];
  if (grants.some((grant) => grant !== 'authorization_code' && grant !== 'refresh_token')) return false;
  if (client.backchannelLogoutUri !== undefined || client.subjectType === 'pairwise') return false;
  const { host } = new URL(clientId);
  return (client.redirectUris ?? []).every((address) => {
    if (!URL.canParse(address)) return false;
    const redirect = new URL(address);
    const isLoopback = redirect.protocol === 'http:' && /^(?:127\.0\.0\.1|\[::1\])$/.test(redirect.hostname);
    return isLoopback || (redirect.protocol === 'https:' && redirect.host === host);
  });
}
