import { z } from 'zod';
import { isAffordable } from '../crypto/password-hasher.ts';
import { newId } from '../crypto/random.ts';
import type { RequestContext } from '../domain/audit-event.ts';
import { foldLogin, isEmailAddress, isUsername } from '../domain/login-name.ts';
import { secretFromBase32, type TotpAlgorithm } from '../domain/totp.ts';
import { Conflict } from '../errors.ts';
import type { InTransaction } from '../transaction.ts';
import { openFernet } from './fernet.ts';
import type { UsersStores } from './stores.ts';

/** A factor that another system made, as it is handed over to the second factor's own stores. */
export interface ImportedAuthenticator {
  readonly secret: Buffer;
  readonly algorithm: TotpAlgorithm;
  readonly digits: 6 | 8;
  readonly periodSeconds: number;
  readonly label: string;
}

export interface ImportStores extends UsersStores {
  /** Replaces what the person has. */
  readonly putImportedFactor: (
    userId: string,
    authenticators: readonly ImportedAuthenticator[],
    recoveryCodes: { readonly pattern: string; readonly hashes: readonly string[] } | undefined,
  ) => Promise<void>;
}

/** What became of one line. */
export interface ImportedLine {
  readonly line: number;
  readonly username: string | null;
  /** `skipped`: an import that goes on after an interruption met somebody who is there. */
  readonly result: 'created' | 'updated' | 'refused' | 'skipped';
  readonly reason?: string;
}

export interface ImportSettings {
  /** The number of the first line that is given, where earlier ones were taken in before. */
  readonly firstLine?: number;
  /** Somebody who is there was taken in before the interruption, and is no fault. */
  readonly skipExisting?: boolean;
}

/** Beyond this many bytes a line is refused before it is read. */
const longestLine = 65_536;
/** RFC 4226 section 4, R6: the secret has 128 bits at least. */
const leastSecretBytes = 16;

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
    .strictObject({ pattern: z.string().min(6).max(64), hashes: z.array(z.string()).max(50) })
    .optional(),
  update: z.boolean().optional(),
});

type Line = z.output<typeof lineSchema>;

/**
 * Imports people from NDJSON, one a line, each in a transaction of its own: a line is taken whole or refused with the
 * reason, and the others go on. Reads in constant memory. Hashes and secrets are taken as they are: people keep their
 * password, their authenticator and their unused recovery codes.
 */
export function createImportUsers(inTransaction: InTransaction<ImportStores>) {
  return async function* importUsers(
    lines: AsyncIterable<string>,
    fernetKeys: readonly string[],
    actor: string,
    context: RequestContext,
    { firstLine = 1, skipExisting = false }: ImportSettings = {},
  ): AsyncGenerator<ImportedLine> {
    let number = firstLine - 1;
    for await (const text of lines) {
      number += 1;
      if (text.trim() === '') continue;
      const read = readLine(text, fernetKeys);
      if (read.kind === 'refused') {
        yield { line: number, username: read.username, result: 'refused', reason: read.reason };
        continue;
      }
      const { value, authenticators } = read;
      try {
        const result = await inTransaction((stores) =>
          put(stores, value, authenticators, actor, context, skipExisting),
        );
        yield { line: number, username: value.username, ...result };
      } catch (error) {
        if (!(error instanceof Conflict)) throw error;
        yield { line: number, username: value.username, result: 'refused', reason: error.message };
      }
    }
  };
}

type ReadLine =
  | { readonly kind: 'read'; readonly value: Line; readonly authenticators: readonly ImportedAuthenticator[] }
  | { readonly kind: 'refused'; readonly username: string | null; readonly reason: string };

function readLine(text: string, fernetKeys: readonly string[]): ReadLine {
  const refused = (reason: string, username: string | null = null): ReadLine => ({ kind: 'refused', username, reason });
  if (text.length > longestLine) return refused(`the line is longer than ${longestLine} characters`);
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return refused('the line is no JSON');
  }
  const parsed = lineSchema.safeParse(json);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    return refused(`${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'is wrong'}`);
  }
  const value = parsed.data;
  const { username, email, password_hash: hash } = value;
  if (!isUsername(username)) return refused('username: must be 1 to 254 printable characters without spaces');
  if (email != null && !isEmailAddress(email)) return refused('email: this is no e-mail address', username);
  if (hash != null && !isAffordable(hash)) {
    return refused('password_hash: an unknown form, or dearer to check than is allowed', username);
  }
  for (const each of value.recovery_codes?.hashes ?? []) {
    if (!isAffordable(each))
      return refused('recovery_codes: a hash of an unknown form or beyond the cost cap', username);
  }
  const authenticators: ImportedAuthenticator[] = [];
  for (const [at, totp] of (value.totp ?? []).entries()) {
    const secret = readSecret(totp, fernetKeys);
    if (secret === undefined) return refused(`totp.${at}: the secret cannot be read`, username);
    if (secret.length < leastSecretBytes) return refused(`totp.${at}: the secret has fewer than 128 bits`, username);
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

function readSecret(totp: NonNullable<Line['totp']>[number], fernetKeys: readonly string[]): Buffer | undefined {
  const given = [totp.secret, totp.secret_base64, totp.secret_fernet].filter((one) => one !== undefined);
  if (given.length !== 1) return undefined;
  if (totp.secret !== undefined) return secretFromBase32(totp.secret);
  if (totp.secret_base64 !== undefined) return Buffer.from(totp.secret_base64, 'base64');
  const opened = openFernet(totp.secret_fernet ?? '', fernetKeys);
  return opened && secretFromBase32(opened.toString('utf8'));
}

async function put(
  stores: ImportStores,
  value: Line,
  authenticators: readonly ImportedAuthenticator[],
  actor: string,
  context: RequestContext,
  skipExisting: boolean,
): Promise<Pick<ImportedLine, 'result' | 'reason'>> {
  const existing = await stores.users.findByLogin(value.username);
  if (existing !== undefined && skipExisting && value.update !== true) return { result: 'skipped' };
  if (existing !== undefined && (value.update !== true || foldLogin(existing.username) !== foldLogin(value.username))) {
    return { result: 'refused', reason: 'username: there is such a user; set "update": true to replace what it has' };
  }
  const id = existing?.id ?? newId();
  if (existing === undefined) {
    await stores.users.insert({
      id,
      username: value.username,
      email: value.email ?? null,
      emailVerified: value.email_verified ?? false,
      passwordHash: value.password_hash ?? null,
      roles: [],
      claims: value.claims ?? {},
      locale: null,
    });
  } else if (value.password_hash != null) {
    await stores.users.setPassword(id, value.password_hash);
    await stores.endSessions(id);
  }
  if (existing === undefined || value.totp !== undefined || value.recovery_codes !== undefined) {
    await stores.putImportedFactor(id, authenticators, value.recovery_codes);
  }
  await stores.audit.record({ type: 'user.imported', actor, target: id, result: 'success', context });
  return { result: existing === undefined ? 'created' : 'updated' };
}
