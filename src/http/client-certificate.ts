import { X509Certificate } from 'node:crypto';
import type { IncomingMessage } from 'node:http';

/** The certificate with which a client proved itself to the proxy in front (RFC 8705). */
export interface ClientCertificate {
  readonly certificate: X509Certificate;
  /** Whether the proxy verified it against authorities it trusts. */
  readonly isVerified: boolean;
}

export interface CertificateHeaders {
  /** Bears the certificate: URL-encoded PEM, or the base64 of its DER between colons (RFC 9440 section 2.1). */
  readonly certificate: string;
  /** Bears `SUCCESS` where the proxy verified it; undefined where the proxy does not say. */
  readonly verified: string | undefined;
}

/** Longer ones are no certificates of clients. */
const longest = 12_000;

/**
 * Reads the certificate that a trusted proxy hands on, and takes both headers from the request, whoever sent them: what
 * comes from elsewhere, twice, or not readable is no certificate. One that is not valid at `now` is none either.
 */
export function takeClientCertificate(
  request: IncomingMessage,
  headers: CertificateHeaders,
  isFromProxy: boolean,
  now: Date,
): ClientCertificate | undefined {
  const given = once(request, headers.certificate);
  const verified = headers.verified === undefined ? undefined : once(request, headers.verified);
  delete request.headers[headers.certificate];
  if (headers.verified !== undefined) delete request.headers[headers.verified];
  if (!isFromProxy || given === undefined || given === '' || given.length > longest) return undefined;
  const certificate = parse(given);
  if (certificate === undefined || certificate.validFromDate > now || certificate.validToDate < now) return undefined;
  return { certificate, isVerified: verified === 'SUCCESS' };
}

/** A header's value where it was sent exactly once. */
function once(request: IncomingMessage, name: string): string | undefined {
  const values = request.rawHeaders.filter(
    (_value, at) => at % 2 === 1 && request.rawHeaders[at - 1]?.toLowerCase() === name,
  );
  return values.length === 1 ? values[0] : undefined;
}

function parse(given: string): X509Certificate | undefined {
  const der = /^:([A-Za-z0-9+/=]+):$/.exec(given)?.[1];
  try {
    if (der !== undefined) return new X509Certificate(Buffer.from(der, 'base64'));
    const pem = decodeURIComponent(given);
    // One alone: which of several would be the client's is a matter of taste.
    if (pem.split('-----BEGIN CERTIFICATE-----').length !== 2) return undefined;
    return new X509Certificate(pem);
  } catch {
    return undefined;
  }
}
