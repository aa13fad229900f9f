import { availableParallelism } from 'node:os';
import { pbkdf2, scrypt, timingSafeEqual } from 'node:crypto';
import { promisify } from 'node:util';
import { hash, verify } from '@node-rs/argon2';
import bcrypt from 'bcrypt';
import { createWorkQueue } from './work-queue.ts';

export interface PasswordHashingOptions {
  readonly memoryKibibytes: number;
  readonly iterations: number;
  readonly parallelism: number;
  /** Hashes computed at once; the number of cores by default. */
  readonly mostInFlight?: number;
  readonly mostWaiting: number;
}

export interface PasswordHasher {
  /** Argon2id in the PHC string form. The caller has brought the password to NFC. */
  hash(password: string): Promise<string>;
  /** False for a wrong password and for a stored form that is malformed or too dear to check. */
  verify(stored: string, password: string): Promise<boolean>;
  /** Takes as long as a verification and answers nothing: for names that nobody has. */
  verifyDummy(password: string): Promise<void>;
  /** Whether a stored form is not Argon2id at today's cost or above. */
  needsRehash(stored: string): boolean;
  readonly waiting: number;
  /** How many were turned away since the start, because too many waited. */
  readonly refused: number;
}

const argon2id = 2;
/**
 * A stored hash dictates its own cost; one imported with a huge one would stop the service. About a second of one core
 * and a quarter of a gigabyte: passes over memory count together, and so do the blocks of a long digest.
 */
const dearest = {
  memoryKibibytes: 262_144,
  kibibytePasses: 1_048_576,
  iterations: 10,
  parallelism: 8,
  bcryptRounds: 14,
  pbkdf2: 2_000_000,
};
/** A shorter digest is matched by chance, an empty one by any password. */
const digestBytes = { least: 16, most: 64 };

/** Argon2id (RFC 9106) for what we make, and the forms of other systems for what was imported. */
export function createPasswordHasher(options: PasswordHashingOptions): PasswordHasher {
  const queue = createWorkQueue(options.mostInFlight ?? availableParallelism(), options.mostWaiting);
  const cost = {
    algorithm: argon2id,
    memoryCost: options.memoryKibibytes,
    timeCost: options.iterations,
    parallelism: options.parallelism,
  };
  let dummy: Promise<string> | undefined;
  const dummyHash = (): Promise<string> => (dummy ??= hash('a password that nobody has', cost));

  return {
    hash: (password) => queue.run(() => hash(password, cost)),
    verify: (stored, password) =>
      queue.run(async () => {
        if (stored.startsWith('$argon2') && isAffordable(stored)) {
          return verify(stored, password).catch(() => false);
        }
        if (isAffordable(stored)) return verifyForeign(stored, password).catch(() => false);
        // A form nobody can check must cost the same as one that is wrong.
        await verify(await dummyHash(), password);
        return false;
      }),
    verifyDummy: (password) =>
      queue.run(async () => {
        await verify(await dummyHash(), password);
      }),
    needsRehash(stored) {
      const found = argon2Cost(stored);
      return (
        found?.kind !== 'argon2id' ||
        found.memoryKibibytes < options.memoryKibibytes ||
        found.iterations < options.iterations
      );
    },
    get waiting() {
      return queue.waiting;
    },
    get refused() {
      return queue.refused;
    },
  };
}

/** Whether a stored hash is of a known form and no dearer to check than the cap; imports refuse the others. */
export function isAffordable(stored: string): boolean {
  const argon2 = argon2Cost(stored);
  if (argon2 !== undefined) {
    return (
      hasDigestOfUse(argon2.digest) &&
      argon2.memoryKibibytes <= dearest.memoryKibibytes &&
      argon2.memoryKibibytes * argon2.iterations <= dearest.kibibytePasses &&
      argon2.iterations <= dearest.iterations &&
      argon2.parallelism <= dearest.parallelism
    );
  }
  const rounds = /^\$2[aby]\$(\d\d)\$[./A-Za-z0-9]{53}$/.exec(stored)?.[1];
  if (rounds !== undefined) return Number(rounds) <= dearest.bcryptRounds;
  const scrypted = scryptForm.exec(stored);
  if (scrypted !== null) {
    const [, ln, r, p, , digest = ''] = scrypted;
    const bytes = 128 * 2 ** Number(ln) * Number(r) * Number(p);
    return hasDigestOfUse(digest) && bytes <= dearest.memoryKibibytes * 1024 && Number(p) <= dearest.parallelism;
  }
  const derived = pbkdf2Form.exec(stored);
  if (derived === null) return false;
  const [, name = '', iterations, , digest = ''] = derived;
  const blocks = Math.ceil(Buffer.from(digest, 'base64').length / (pbkdf2BlockBytes[name] ?? 1));
  return hasDigestOfUse(digest) && Number(iterations) * blocks <= dearest.pbkdf2;
}

function hasDigestOfUse(digest: string): boolean {
  const { length } = Buffer.from(digest, 'base64');
  return length >= digestBytes.least && length <= digestBytes.most;
}

function argon2Cost(stored: string) {
  const match =
    /^\$(argon2(?:id|i|d))\$v=19\$m=(\d{1,9}),t=(\d{1,6}),p=(\d{1,3})\$[A-Za-z0-9+/]+\$([A-Za-z0-9+/]+)$/.exec(stored);
  if (match === null) return undefined;
  const [, kind, memory, iterations, parallelism, digest = ''] = match;
  return {
    kind,
    memoryKibibytes: Number(memory),
    iterations: Number(iterations),
    parallelism: Number(parallelism),
    digest,
  };
}

/** PHC: `$scrypt$ln=15,r=8,p=1$salt$hash`. */
const scryptForm = /^\$scrypt\$ln=(\d{1,2}),r=(\d{1,3}),p=(\d{1,3})\$([A-Za-z0-9+/]+)\$([A-Za-z0-9+/]+)$/;
/** PHC: `$pbkdf2-sha256$i=600000$salt$hash`. */
const pbkdf2Form = /^\$pbkdf2-(sha1|sha256|sha512)\$i=(\d{1,8})\$([A-Za-z0-9+/]+)\$([A-Za-z0-9+/]+)$/;
/** The output of each hash: a longer digest costs as many turns more (RFC 8018 section 5.2). */
const pbkdf2BlockBytes: Readonly<Record<string, number>> = { sha1: 20, sha256: 32, sha512: 64 };
const scryptAsync = promisify<string, Buffer, number, object, Buffer>(scrypt);
const pbkdf2Async = promisify(pbkdf2);

async function verifyForeign(stored: string, password: string): Promise<boolean> {
  if (stored.startsWith('$2')) return bcrypt.compare(password, stored);
  const scrypted = scryptForm.exec(stored);
  if (scrypted !== null) {
    const [, ln = '', r = '', p = '', salt = '', digest = ''] = scrypted;
    const expected = Buffer.from(digest, 'base64');
    const cost = { N: 2 ** Number(ln), r: Number(r), p: Number(p), maxmem: dearest.memoryKibibytes * 1024 * 2 };
    const found = await scryptAsync(password, Buffer.from(salt, 'base64'), expected.length, cost);
    return timingSafeEqual(found, expected);
  }
  const derived = pbkdf2Form.exec(stored);
  if (derived === null) return false;
  const [, digestName = '', iterations = '', salt = '', digest = ''] = derived;
  const expected = Buffer.from(digest, 'base64');
  const salted = Buffer.from(salt, 'base64');
  const found = await pbkdf2Async(password, salted, Number(iterations), expected.length, digestName);
  return timingSafeEqual(found, expected);
}
