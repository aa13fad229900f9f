import { z } from 'zod';
import { isAffordable } from '../crypto/password-hasher.ts';
import { isEmailAddress, isUsername } from '../domain/login-name.ts';
import { secretFromBase32 } from '../domain/totp.ts';
import { openFernet } from './fernet.ts';
import type { ImportedAuthenticator } from './import-store.ts';

/** Beyond this many characters a line is refused before it is read. */
const longestLine = 65_536;
/** RFC 4226 section 4, R6: the secret has 128 bits at least. */
const leastSecretBytes = 16;
/** RFC 2104 section 3: beyond the block of the widest hash a key is hashed first, and no app makes such a one. */
const mostSecretBytes = 128;

const lineSchema = z.strictObject({
  username: z.string(),
  email: z.string().nullish(),
  email_verified: z.boolean().optional(),
  claims: z.record(z.string(), z.unknown()).optional(),
  password_hash: z.string().nullish(),
  totp: z
    .array(
      z.strictObject({
        secret: z.string().optional(),
        secret_base64: z.string().optional(),
        secret_fernet: z.string().optional(),
        algorithm: z.enum(['SHA1', 'SHA256', 'SHA512']).optional(),
        digits: z.union([z.literal(6), z.literal(8)]).optional(),
        period: z.int().min(15).max(120).optional(),
        label: z.string().max(60).optional(),
      }),
    )
    .max(5)
    .optional(),
  recovery_codes: z
    .strictObject({
      pattern: z
        .string()
        .max(64)
        .regex(/^(?:[^?]*\?){6}/, 'needs six places (?) at least'),
      hashes: z.array(z.string()).max(50),
    })
    .optional(),
  update: z.boolean().optional(),
});

/** A line of an import as the contract has it. */
export type ImportLine = z.output<typeof lineSchema>;

export type ReadLine =
  | { readonly kind: 'read'; readonly value: ImportLine; readonly authenticators: readonly ImportedAuthenticator[] }
  | { readonly kind: 'refused'; readonly username: string | null; readonly reason: string };

/** Reads one line and all that is in it. A reason names the field and never what stood in it. */
export function readImportedLine(text: string, fernetKeys: readonly string[]): ReadLine {
  const refused = (reason: string, username: string | null = null): ReadLine => ({ kind: 'refused', username, reason });
  if (text.length > longestLine) return refused(`the line is longer than ${longestLine} characters`);
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return refused('the line is no JSON');
  }
  const named = usernameOf(json);
  if (isUnstorable(json)) return refused('the line holds a NUL character or half a surrogate pair', named);
  const parsed = lineSchema.safeParse(json);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    const path = issue?.path.join('.') ?? '';
    return refused(`${path === '' ? '' : `${path}: `}${issue?.message ?? 'is wrong'}`, named);
  }
  const value = parsed.data;
  const { username, email, password_hash: hash } = value;
  if (!isUsername(username)) return refused('username: must be 1 to 254 printable characters without spaces');
  if (email != null && !isEmailAddress(email)) return refused('email: this is no e-mail address', username);
  if (hash != null && !isAffordable(hash)) {
    return refused('password_hash: an unknown form, or dearer to check than is allowed', username);
  }
  for (const [at, each] of (value.recovery_codes?.hashes ?? []).entries()) {
    if (!isAffordable(each)) {
      return refused(`recovery_codes.hashes.${at}: an unknown form, or dearer to check than is allowed`, username);
    }
  }
  const authenticators: ImportedAuthenticator[] = [];
  for (const [at, totp] of (value.totp ?? []).entries()) {
    const secret = readSecret(totp, fernetKeys);
    if (secret === undefined) return refused(`totp.${at}: the secret cannot be read`, username);
    if (secret.length < leastSecretBytes) return refused(`totp.${at}: the secret has fewer than 128 bits`, username);
    if (secret.length > mostSecretBytes) return refused(`totp.${at}: the secret has more than 1024 bits`, username);
    authenticators.push({
      secret,
      algorithm: totp.algorithm ?? 'SHA1',
      digits: totp.digits ?? 6,
      periodSeconds: totp.period ?? 30,
      label: totp.label ?? 'Authenticator app',
    });
  }
  return { kind: 'read', value, authenticators };
}

/** Who a refused line is about, where it says so much. */
function usernameOf(json: unknown): string | null {
  const name = typeof json === 'object' && json !== null && 'username' in json ? json.username : null;
  return typeof name === 'string' && isUsername(name) ? name : null;
}

/** PostgreSQL stores no NUL and no lone surrogate; JSON writes both as escapes, and nothing else of theirs. */
function isUnstorable(json: unknown): boolean {
  return /(?<!\\)(?:\\\\)*\\u(?:0000|d[89a-f])/.test(JSON.stringify(json));
}

function readSecret(totp: NonNullable<ImportLine['totp']>[number], fernetKeys: readonly string[]): Buffer | undefined {
  const { secret, secret_base64: base64, secret_fernet: token } = totp;
  if ([secret, base64, token].filter((one) => one !== undefined).length !== 1) return undefined;
  if (secret !== undefined) return secretFromBase32(secret);
  if (base64 !== undefined) {
    // Node leaves out what is no base64, and would take a secret that nobody has.
    return /^[A-Za-z0-9+/]+={0,2}$/.test(base64) ? Buffer.from(base64, 'base64') : undefined;
  }
  const opened = openFernet(token ?? '', fernetKeys);
  return opened && secretFromBase32(opened.toString('utf8'));
}
