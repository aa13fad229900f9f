import { createHmac, createSecretKey, timingSafeEqual } from 'node:crypto';
import { Secret, TOTP } from 'otpauth';

export type TotpAlgorithm = 'SHA1' | 'SHA256' | 'SHA512';

/** How an authenticator makes its codes (RFC 6238 section 4). */
export interface TotpParameters {
  /** The shared secret, raw. */
  readonly secret: Uint8Array;
  readonly algorithm: TotpAlgorithm;
  readonly digits: 6 | 8;
  readonly periodSeconds: number;
}

export type CodeCheck =
  /** The code of `timeStep`, which was never accepted before; `offset` is its distance from the expected step. */
  | { readonly kind: 'match'; readonly timeStep: number; readonly offset: number }
  /** A right code of a step already accepted, or of an older one: it shows possession, and is refused. */
  | { readonly kind: 'replayed'; readonly timeStep: number }
  /** A right code of a step too far away to be accepted; the clock that made it is off by so many steps. */
  | { readonly kind: 'far'; readonly timeStep: number; readonly offset: number }
  | { readonly kind: 'wrong' };

/** Beyond the window, a code is still recognised within ten minutes, to tell the person about their clock. */
const farSeconds = 600;
/** RFC 6238 section 6: how far a learned drift may go. */
const driftLimitSteps = 4;

/** The time step of a moment (RFC 6238 section 4.2); exact beyond 2038, since numbers hold 53 bits. */
export function timeStepAt(epochSeconds: number, periodSeconds: number): number {
  return Math.floor(epochSeconds / periodSeconds);
}

/** The code of one time step. */
export function oneTimeCode({ secret, algorithm, digits, periodSeconds }: TotpParameters, timeStep: number): string {
  const totp = new TOTP({ secret: asSecret(secret), algorithm, digits, period: periodSeconds });
  return totp.generate({ timestamp: timeStep * periodSeconds * 1000 });
}

/**
 * The same for many steps of one secret (RFC 4226 section 5.3): its key is prepared once, where the library would at
 * each of the forty-one steps that a check looks at.
 */
function codesOf({ secret, algorithm, digits }: TotpParameters): (timeStep: number) => string {
  const key = createSecretKey(secret);
  return (timeStep) => {
    const counter = Buffer.alloc(8);
    counter.writeBigUInt64BE(BigInt(timeStep));
    const mac = createHmac(algorithm.toLowerCase(), key).update(counter).digest();
    const at = (mac.at(-1) ?? 0) & 0xf;
    const number = (mac.readUInt32BE(at) & 0x7f_ff_ff_ff) % 10 ** digits;
    return String(number).padStart(digits, '0');
  };
}

/**
 * What people type, as digits: spaces and dashes between groups go, anything else makes it undefined, and so does a
 * wrong length. A list or an object never reaches here.
 */
export function normaliseOneTimeCode(typed: string, digits: number): string | undefined {
  if (typed.length > 32) return undefined;
  const code = typed.replaceAll(/[ \u00a0\u202f\t\r\n-]/g, '');
  return code.length === digits && /^[0-9]+$/.test(code) ? code : undefined;
}

/**
 * Compares a normalised code with every step of the window around the (drift-corrected) present, and with the steps
 * ten minutes around for the clock message. All are compared in constant time and none ends the loop early, so the time
 * taken tells nothing about which digits were right.
 */
export function checkOneTimeCode(input: {
  readonly parameters: TotpParameters;
  readonly code: string;
  /** The learned drift of this authenticator, in steps. */
  readonly driftSteps: number;
  /** The last accepted step; it and every older one are spent (RFC 6238 section 5.2). */
  readonly lastStep: number;
  readonly nowSeconds: number;
  /** Steps accepted on each side. */
  readonly windowSteps: number;
}): CodeCheck {
  const { parameters, code, driftSteps, lastStep, nowSeconds, windowSteps } = input;
  const typed = Buffer.from(code, 'ascii');
  const centre = timeStepAt(nowSeconds, parameters.periodSeconds) + driftSteps;
  const reach = Math.max(windowSteps, Math.ceil(farSeconds / parameters.periodSeconds));
  const codeOf = codesOf(parameters);
  let inWindow: number | undefined;
  let outside: number | undefined;
  for (let offset = -reach; offset <= reach; offset += 1) {
    const step = centre + offset;
    if (step < 0) continue;
    const equal = sameCode(typed, codeOf(step));
    const near = Math.abs(offset) <= windowSteps;
    // The newest matching step of the window counts: an older one with the same digits may be spent already.
    if (equal && near) inWindow = step;
    if (equal && !near && (outside === undefined || Math.abs(step - centre) < Math.abs(outside - centre))) {
      outside = step;
    }
  }
  if (inWindow !== undefined) {
    if (inWindow <= lastStep) return { kind: 'replayed', timeStep: inWindow };
    return { kind: 'match', timeStep: inWindow, offset: inWindow - centre };
  }
  if (outside !== undefined) {
    if (outside <= lastStep) return { kind: 'replayed', timeStep: outside };
    return { kind: 'far', timeStep: outside, offset: outside - centre };
  }
  return { kind: 'wrong' };
}

/**
 * The drift after an accepted code (RFC 6238 section 6): one step towards the code at most, never beyond ±4. It moves
 * the window and never widens it.
 */
export function learnDrift(driftSteps: number, offset: number): number {
  const moved = driftSteps + Math.sign(offset);
  return Math.max(-driftLimitSteps, Math.min(driftLimitSteps, moved));
}

/** Base32 without padding (RFC 4648 section 6), as authenticator apps take it. */
export function secretToBase32(secret: Uint8Array): string {
  return asSecret(secret).base32;
}

/** Reads base32 with or without padding, spaces, dashes, in either case; undefined where it is none. */
export function secretFromBase32(text: string): Buffer | undefined {
  const clean = text.replaceAll(/[ =-]/g, '').toUpperCase();
  if (clean === '' || !/^[A-Z2-7]+$/.test(clean)) return undefined;
  return Buffer.from(Secret.fromBase32(clean).bytes);
}

/**
 * The `otpauth:` address of an authenticator. Names are percent-encoded here rather than left to a library, because a
 * name may hold `:`, `&` or a line break and must not add a parameter.
 */
export function otpauthUri(parameters: TotpParameters, issuer: string, accountName: string): string {
  const clean = (text: string): string => text.replaceAll(/[\p{Cc}:]/gu, ' ').trim();
  const label = `${encodeURIComponent(clean(issuer))}:${encodeURIComponent(clean(accountName))}`;
  const query = [
    ['secret', secretToBase32(parameters.secret)],
    ['issuer', clean(issuer)],
    ['algorithm', parameters.algorithm],
    ['digits', String(parameters.digits)],
    ['period', String(parameters.periodSeconds)],
  ].map(([name, value]) => `${name}=${encodeURIComponent(value ?? '')}`);
  return `otpauth://totp/${label}?${query.join('&')}`;
}

function asSecret(bytes: Uint8Array): Secret {
  const copy = new Uint8Array(bytes);
  return new Secret({ buffer: copy.buffer });
}

function sameCode(typed: Buffer, expected: string): boolean {
  const right = Buffer.from(expected, 'ascii');
  return typed.length === right.length && timingSafeEqual(typed, right);
}
