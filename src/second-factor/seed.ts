import { readCsvLine } from '../domain/csv.ts';
import { secretFromBase32, type TotpAlgorithm } from '../domain/totp.ts';

/** What a list of hardware tokens says of one of them. */
export interface Seed {
  readonly serial: string;
  readonly secret: Buffer;
  readonly algorithm: TotpAlgorithm;
  readonly digits: 6 | 8;
  readonly periodSeconds: number;
  /** A user name or address; '' where the list names nobody. */
  readonly username: string;
}

/** One entry of a list, by its line or place; a reason tells nothing of the secret. */
export type ReadSeed =
  | { readonly kind: 'seed'; readonly at: number; readonly seed: Seed }
  | { readonly kind: 'refused'; readonly at: number; readonly serial: string; readonly reason: string };

/** The facts of a seed as texts; what is '' was not said. */
export interface SeedText {
  readonly serial: string;
  readonly secret: Buffer | undefined;
  readonly algorithm: string;
  readonly digits: string;
  readonly period: string;
  readonly username: string;
}

/** RFC 4226 section 4, R6: 128 bits at least; and no more than the block of the widest hash. */
const secretBytes = { least: 16, most: 128 };
const periods = { least: 15, most: 120 };
const longestSerial = 40;

/** Checks what a list says of one token (RFC 6238 section 5.1, RFC 4226 section 4). */
export function checkSeed(at: number, text: SeedText): ReadSeed {
  const serial = text.serial.trim();
  const refused = (reason: string): ReadSeed => ({ kind: 'refused', at, serial, reason });
  if (serial === '' || serial.length > longestSerial || /[\p{C}]/u.test(serial)) {
    return refused(`the serial number must have 1 to ${longestSerial} printable characters`);
  }
  const { secret } = text;
  if (secret === undefined) return refused('the secret cannot be read');
  if (secret.length < secretBytes.least) return refused('the secret has fewer than 128 bits');
  if (secret.length > secretBytes.most) return refused('the secret has more than 1024 bits');
  const hash = /^(?:HMAC-?)?(?:SHA-?)?(1|256|512)$/i.exec(text.algorithm.trim() || 'SHA1')?.[1];
  if (hash === undefined) return refused('the algorithm must be SHA1, SHA256 or SHA512');
  const digits = Number(text.digits.trim() || 6);
  if (digits !== 6 && digits !== 8) return refused('codes must have 6 or 8 digits');
  const period = Number(text.period.trim() || 30);
  if (!Number.isInteger(period) || period < periods.least || period > periods.most) {
    return refused(`the period must be ${periods.least} to ${periods.most} seconds`);
  }
  const algorithm = `SHA${hash}` as TotpAlgorithm;
  return {
    kind: 'seed',
    at,
    seed: { serial, secret, algorithm, digits, periodSeconds: period, username: text.username.trim() },
  };
}

const columns = ['serial', 'secret_hex', 'secret_base32', 'algorithm', 'digits', 'period', 'username'];

/**
 * Seeds from CSV whose first line names the columns: `serial`, one of `secret_hex` and `secret_base32`, and where it
 * helps `algorithm`, `digits`, `period` and `username`.
 */
export function* readCsvSeeds(text: string): Generator<ReadSeed> {
  const [header = '', ...lines] = text.replace(/^\uFEFF/, '').split(/\r?\n/);
  const names = readCsvLine(header).map((name) => name.toLowerCase());
  const unknown = names.find((name) => !columns.includes(name));
  const isWhole = names.includes('serial') && names.includes('secret_hex') !== names.includes('secret_base32');
  if (unknown !== undefined || !isWhole || new Set(names).size !== names.length) {
    const reason = `the first line must name columns of ${columns.join(', ')}, with serial and one of the secrets`;
    yield { kind: 'refused', at: 1, serial: '', reason };
    return;
  }
  for (const [index, line] of lines.entries()) {
    if (line.trim() === '') continue;
    const cells = readCsvLine(line);
    const at = index + 2;
    const cell = (name: string): string => cells[names.indexOf(name)] ?? '';
    if (cells.length !== names.length) {
      yield { kind: 'refused', at, serial: cell('serial'), reason: `has ${cells.length} cells, not ${names.length}` };
      continue;
    }
    const secret = names.includes('secret_hex')
      ? secretFromHex(cell('secret_hex'))
      : secretFromBase32(cell('secret_base32'));
    yield checkSeed(at, {
      serial: cell('serial'),
      secret,
      algorithm: cell('algorithm'),
      digits: cell('digits'),
      period: cell('period'),
      username: cell('username'),
    });
  }
}

/** Bytes of a text in hexadecimal, with or without spaces; undefined where it is none. */
export function secretFromHex(text: string): Buffer | undefined {
  const clean = text.replaceAll(/[\s:]/g, '');
  return /^(?:[0-9a-f]{2})+$/i.test(clean) ? Buffer.from(clean, 'hex') : undefined;
}
