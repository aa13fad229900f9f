import { createPublicKey, generateKeyPairSync, randomBytes, sign, X509Certificate, type KeyObject } from 'node:crypto';

/** A certificate with its key, both as PEM. */
export interface TestCertificate {
  readonly cert: string;
  readonly key: string;
  readonly x509: X509Certificate;
}

export interface CertificateWish {
  readonly commonName: string;
  readonly organisation?: string;
  readonly dns?: string;
  readonly uri?: string;
  /** Who signs it; itself where nobody is given. */
  readonly issuer?: TestCertificate;
  readonly isAuthority?: boolean;
  readonly validFrom?: Date;
  readonly validTo?: Date;
}

const der = (tag: number, ...parts: readonly Uint8Array[]): Buffer => {
  const content = Buffer.concat(parts);
  const { length } = content;
  const head = length < 128 ? [length] : length < 256 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...head]), content]);
};
const sequence = (...parts: readonly Uint8Array[]): Buffer => der(0x30, ...parts);
const oid = (hex: string): Buffer => der(0x06, Buffer.from(hex, 'hex'));
const text = (value: string): Buffer => der(0x0c, Buffer.from(value, 'utf8'));
const time = (value: Date): Buffer =>
  der(0x18, Buffer.from(value.toISOString().replaceAll(/[-:T]|\.\d+/g, ''), 'ascii'));

const ecdsaWithSha256 = sequence(oid('2a8648ce3d040302'));
const part = (type: string, value: string): Buffer => der(0x31, sequence(oid(type), text(value)));

function nameOf({ organisation, commonName }: CertificateWish): Buffer {
  return sequence(...(organisation === undefined ? [] : [part('55040a', organisation)]), part('550403', commonName));
}

/** An X.509 certificate of version 3 (RFC 5280) with an EC key; made here, because a bare machine has no program for it. */
export function makeCertificate(wish: CertificateWish): TestCertificate {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const subject = nameOf(wish);
  const alternatives = [
    ...(wish.dns === undefined ? [] : [der(0x82, Buffer.from(wish.dns))]),
    ...(wish.uri === undefined ? [] : [der(0x86, Buffer.from(wish.uri))]),
  ];
  const extension = (type: string, value: Buffer): Buffer => sequence(oid(type), der(0x04, value));
  const extensions = [
    extension('551d13', sequence(...(wish.isAuthority === true ? [der(0x01, Buffer.from([0xff]))] : []))),
    ...(alternatives.length === 0 ? [] : [extension('551d11', sequence(...alternatives))]),
  ];
  const signer: KeyObject | string = wish.issuer?.key ?? privateKey;
  const body = sequence(
    der(0xa0, der(0x02, Buffer.from([2]))),
    der(0x02, Buffer.concat([Buffer.from([1]), randomBytes(8)])),
    ecdsaWithSha256,
    wish.issuer === undefined ? subject : subjectIn(wish.issuer.x509),
    sequence(
      time(wish.validFrom ?? new Date(Date.now() - 60_000)),
      time(wish.validTo ?? new Date(Date.now() + 86_400_000)),
    ),
    subject,
    publicKey.export({ type: 'spki', format: 'der' }),
    der(0xa3, sequence(...extensions)),
  );
  const signature = sign('sha256', body, signer);
  const whole = sequence(body, ecdsaWithSha256, der(0x03, Buffer.from([0]), signature));
  const cert = `-----BEGIN CERTIFICATE-----\n${whole.toString('base64').replaceAll(/.{64}/g, '$&\n')}\n-----END CERTIFICATE-----\n`;
  return { cert, key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(), x509: new X509Certificate(cert) };
}

/** The subject of an authority made here: one common name. */
function subjectIn({ subject }: X509Certificate): Buffer {
  return nameOf({ commonName: subject.replace(/^CN=/, '') });
}

/** A certificate's key as a client registers it for self_signed_tls_client_auth (RFC 8705 section 2.2.2). */
export function certificateJwk({ cert, x509 }: TestCertificate): Record<string, unknown> {
  const jwk = createPublicKey(cert).export({ format: 'jwk' });
  return { ...jwk, kid: x509.fingerprint256.slice(0, 8), x5c: [x509.raw.toString('base64')] };
}
