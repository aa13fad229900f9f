import { createHmac } from 'node:crypto';
import type { Client, Provider } from 'oidc-provider';

type SubjectAt = (accountId: string, sectorIdentifier: string) => string;

/**
 * The subject that a sector knows a person by (OpenID Connect Core section 8.1): the same at every client of the sector,
 * and of no use to another one. `key` never changes, or every person would be a stranger everywhere.
 */
export function createPairwiseSubject(key: Buffer): SubjectAt {
  return (accountId, sectorIdentifier) =>
    // The length stands in front, so that no other pair of sector and account reads the same.
    createHmac('sha256', key).update(`${sectorIdentifier.length}:${sectorIdentifier}:${accountId}`).digest('base64url');
}

const subjects = new WeakMap<Provider, SubjectAt>();

/** Lets `subjectOf` answer for this engine. */
export function rememberSubjects(provider: Provider, subjectAt: SubjectAt): void {
  subjects.set(provider, subjectAt);
}

/** How this client knows that account. */
export function subjectOf(provider: Provider, client: Client, accountId: string): string {
  if (client.subjectType !== 'pairwise') return accountId;
  const subjectAt = subjects.get(provider);
  if (subjectAt === undefined) throw new Error('this engine was not built by createProvider');
  return subjectAt(accountId, sectorOf(client));
}

export function sectorOf(client: Client): string {
  const { sectorIdentifier } = client as unknown as { sectorIdentifier?: string };
  if (sectorIdentifier === undefined || sectorIdentifier === '') throw new Error('a pairwise client has a sector');
  return sectorIdentifier;
}
