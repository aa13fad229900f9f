import { createHash } from 'node:crypto';
import { calculateJwkThumbprint, EmbeddedJWK, jwtVerify } from 'jose';

/** What a proof must belong to. */
export interface DpopExpectation {
  readonly method: string;
  /** The address of the resource without query and fragment. */
  readonly uri: string;
  readonly accessToken: string;
  readonly nowSeconds: number;
}

export interface DpopProof {
  readonly thumbprint: string;
  readonly jti: string;
}

/** The engine takes the same ones. */
export const dpopAlgorithms = ['ES256', 'Ed25519', 'EdDSA'];

/** How far the clock of whoever made a proof may be off, in seconds. */
export const dpopWindowSeconds = 60;

/**
 * Checks a DPoP proof for a call of a resource (RFC 9449 section 4.3), all but its replay; undefined where any of it is
 * wrong.
 */
export async function readDpopProof(jwt: string, expected: DpopExpectation): Promise<DpopProof | undefined> {
  try {
    const { payload, protectedHeader } = await jwtVerify(jwt, EmbeddedJWK, {
      algorithms: dpopAlgorithms,
      typ: 'dpop+jwt',
      currentDate: new Date(expected.nowSeconds * 1000),
      clockTolerance: dpopWindowSeconds,
    });
    const { jti, htm, htu, iat, ath } = payload;
    if (typeof jti !== 'string' || jti === '' || jti.length > 200 || typeof iat !== 'number') return undefined;
    if (Math.abs(expected.nowSeconds - iat) > dpopWindowSeconds) return undefined;
    if (htm !== expected.method || typeof htu !== 'string' || !isSameAddress(htu, expected.uri)) return undefined;
    if (ath !== createHash('sha256').update(expected.accessToken).digest('base64url')) return undefined;
    const { jwk } = protectedHeader;
    if (jwk === undefined || 'd' in jwk) return undefined;
    return { thumbprint: await calculateJwkThumbprint(jwk), jti };
  } catch {
    return undefined;
  }
}

function isSameAddress(htu: string, uri: string): boolean {
  if (!URL.canParse(htu)) return false;
  const [given, right] = [new URL(htu), new URL(uri)];
  return given.origin === right.origin && given.pathname === right.pathname;
}
