import type { AdapterPayload } from 'oidc-provider';
import type { SecretBox } from '../crypto/secret-box.ts';

/** What the engine stores, sealed for this id alone. */
export function seal(box: SecretBox, kind: string, idHash: string, payload: AdapterPayload): string {
  return box.seal(Buffer.from(JSON.stringify(payload)), tokenContext(kind, idHash));
}

/** Throws `SecretUnreadable` for what was sealed for another id. */
export function open(box: SecretBox, kind: string, idHash: string, sealed: string): AdapterPayload {
  const plain = box.open(sealed, tokenContext(kind, idHash));
  return JSON.parse(plain.toString('utf8')) as AdapterPayload;
}

/** What the payload of a token, or of a record of the engine, is bound to, and what its successor is. */
export function tokenContext(kind: string, idHash: string, column: 'payload' | 'successor' = 'payload') {
  return { table: kind, column, owner: '', row: idHash };
}
