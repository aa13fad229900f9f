import type { X509Certificate } from 'node:crypto';

/** The registered parameters of `tls_client_auth` (RFC 8705 section 2.1.2). */
export type SubjectParameter =
  | 'tls_client_auth_subject_dn'
  | 'tls_client_auth_san_dns'
  | 'tls_client_auth_san_uri'
  | 'tls_client_auth_san_ip'
  | 'tls_client_auth_san_email';

/** Whether a certificate is the one that was registered: its whole subject, or one of its alternative names, exactly. */
export function subjectMatches(certificate: X509Certificate, parameter: SubjectParameter, expected: string): boolean {
  switch (parameter) {
    case 'tls_client_auth_subject_dn':
      return sameName(certificate.subject, expected);
    case 'tls_client_auth_san_dns':
      return namesOf(certificate, 'DNS').some((name) => name.toLowerCase() === expected.toLowerCase());
    case 'tls_client_auth_san_uri':
      return namesOf(certificate, 'URI').includes(expected);
    case 'tls_client_auth_san_ip':
      return certificate.checkIP(expected) !== undefined;
    case 'tls_client_auth_san_email':
      return namesOf(certificate, 'email').includes(expected);
  }
}

/** The alternative names of one kind; a name with odd characters stands as a JSON string. */
function namesOf({ subjectAltName = '' }: X509Certificate, kind: string): string[] {
  const found = subjectAltName.matchAll(/(?:^|, )([A-Za-z ]+):("(?:[^"\\]|\\.)*"|[^,]*)/g);
  return [...found].flatMap(([, name, value = '']) => {
    if (name !== kind) return [];
    return [value.startsWith('"') ? (JSON.parse(value) as string) : value];
  });
}

/** A subject as the certificate has it (a part a line, escaped alike, widest first) against the text of RFC 4514 (narrowest first). */
function sameName(subject: string, expected: string): boolean {
  const own = subject
    .split('\n')
    .map((part) => part.trim())
    .filter((part) => part !== '');
  const wanted = splitName(expected);
  if (wanted === undefined || wanted.length !== own.length) return false;
  return wanted.toReversed().every((part, at) => part === splitName(own[at] ?? '')?.join(','));
}

function normalised(part: string): string {
  const at = part.indexOf('=');
  return `${part.slice(0, at).trim().toUpperCase()}=${part.slice(at + 1).trim()}`;
}

/** The parts of a name of RFC 4514, unescaped; undefined where it is none. */
function splitName(text: string): string[] | undefined {
  const parts: string[] = [];
  let part = '';
  for (let at = 0; at < text.length; at += 1) {
    const sign = text[at] ?? '';
    if (sign === '\\') {
      const hex = /^[\da-f]{2}/i.exec(text.slice(at + 1))?.[0];
      part += hex === undefined ? (text[at + 1] ?? '') : String.fromCharCode(Number.parseInt(hex, 16));
      at += hex === undefined ? 1 : 2;
    } else if (sign === ',') {
      parts.push(normalised(part));
      part = '';
    } else part += sign;
  }
  parts.push(normalised(part));
  return parts.every((one) => /^[A-Z][\w.-]*=./.test(one)) ? parts : undefined;
}
