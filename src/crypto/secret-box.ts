import { createCipheriv, createDecipheriv, createSecretKey, type KeyObject } from 'node:crypto';
import { newBytes } from './random.ts';
import { Fault, SetupFault } from '../errors.ts';

/** Where a sealed value belongs. It is authenticated with the value, so a copy into another row does not open. */
export interface SecretContext {
  readonly table: string;
  readonly column: string;
  /** The person or relying party it belongs to, or '' where there is none. */
  readonly owner: string;
  readonly row: string;
}

/** Seals small secrets with AES-256-GCM under a ring of keys. */
export interface SecretBox {
  /** Seals under the ring's present key, at first its first one: `v1.<key id>.<nonce>.<ciphertext and tag>`, the last two in base64url. */
  seal(plaintext: Uint8Array, context: SecretContext): string;
  /** Opens under whichever key of the ring sealed it; throws `SecretUnreadable`. */
  open(sealed: string, context: SecretContext): Buffer;
  /** The key that sealed it. */
  keyIdOf(sealed: string): string;
  readonly currentKeyId: string;
}

/** The box over the service's own keys, of which another one may come to seal while it runs. */
export interface KeyRing extends SecretBox {
  /** In the order they were given. */
  readonly keyIds: readonly string[];
  /** Seals under this key of the ring from now on. */
  sealWith(keyId: string): void;
  /** Seals one value under a certain key of the ring. */
  sealUnder(keyId: string, plaintext: Uint8Array, context: SecretContext): string;
}

export interface EncryptionKey {
  readonly id: string;
  /** 32 bytes. */
  readonly key: Uint8Array;
}

/** The sealed value cannot be opened: its key is not in the ring, or it was changed or moved. */
export class SecretUnreadable extends Fault {
  constructor(message: string) {
    super('secret_unreadable', 500, message);
  }
}

const nonceBytes = 12;
const tagBytes = 16;
const newKeyCommand = `node -e "console.log('k1:' + require('crypto').randomBytes(32).toString('base64'))"`;

/**
 * One key of the ring seals, all of them open. Random 96-bit nonces: NIST SP 800-38D section 8.3 allows 2^32 messages a
 * key, far beyond what one installation seals between two rotations.
 */
export function createSecretBox(ring: readonly EncryptionKey[]): KeyRing {
  const [first] = ring;
  if (first === undefined) {
    throw new SetupFault(
      'encryption_key_missing',
      `ENCRYPTION_KEYS: no encryption key is set. Make one with: ${newKeyCommand}`,
    );
  }
  // As key objects: made once, they cost a fifth of raw bytes at every use.
  const keys = new Map<string, KeyObject>();
  for (const { id, key } of ring) {
    if (keys.has(id)) throw new SetupFault('encryption_key_doubled', `ENCRYPTION_KEYS: the id '${id}' is there twice`);
    if (key.length !== 32) {
      throw new SetupFault('encryption_key_length', `ENCRYPTION_KEYS: key '${id}' is ${key.length} bytes, not 32`);
    }
    keys.set(id, createSecretKey(key));
  }

  let currentKeyId = first.id;

  function keyOf(id: string): KeyObject {
    const key = keys.get(id);
    if (key === undefined) throw new SetupFault('encryption_key_missing', `ENCRYPTION_KEYS: there is no key '${id}'`);
    return key;
  }

  function sealUnder(keyId: string, plaintext: Uint8Array, context: SecretContext): string {
    const nonce = newBytes(nonceBytes);
    const cipher = createCipheriv('aes-256-gcm', keyOf(keyId), nonce);
    cipher.setAAD(additionalData(keyId, context));
    const body = Buffer.concat([cipher.update(plaintext), cipher.final(), cipher.getAuthTag()]);
    return `v1.${keyId}.${nonce.toString('base64url')}.${body.toString('base64url')}`;
  }

  return {
    get currentKeyId() {
      return currentKeyId;
    },
    keyIds: [...keys.keys()],
    sealUnder,
    sealWith(keyId) {
      keyOf(keyId);
      currentKeyId = keyId;
    },
    keyIdOf: (sealed) => parse(sealed).keyId,
    seal: (plaintext, context) => sealUnder(currentKeyId, plaintext, context),
    open(sealed, context) {
      const { keyId, nonce, body } = parse(sealed);
      const key = keys.get(keyId);
      if (key === undefined) throw new SecretUnreadable(`no key '${keyId}' in the ring for ${context.table}`);
      const decipher = createDecipheriv('aes-256-gcm', key, nonce, { authTagLength: tagBytes });
      decipher.setAAD(additionalData(keyId, context));
      decipher.setAuthTag(body.subarray(body.length - tagBytes));
      try {
        return Buffer.concat([decipher.update(body.subarray(0, body.length - tagBytes)), decipher.final()]);
      } catch {
        throw new SecretUnreadable(`a sealed value of ${context.table} does not open under key '${keyId}'`);
      }
    },
  };
}

function parse(sealed: string): { keyId: string; nonce: Buffer; body: Buffer } {
  const [version, keyId, nonce, body, ...rest] = sealed.split('.');
  if (version !== 'v1' || keyId === undefined || nonce === undefined || body === undefined || rest.length > 0) {
    throw new SecretUnreadable('a sealed value has an unknown form');
  }
  const parsed = { keyId, nonce: Buffer.from(nonce, 'base64url'), body: Buffer.from(body, 'base64url') };
  if (parsed.nonce.length !== nonceBytes || parsed.body.length < tagBytes) {
    throw new SecretUnreadable('a sealed value has an unknown form');
  }
  return parsed;
}

/** JSON keeps the parts apart whatever they hold. */
function additionalData(keyId: string, { table, column, owner, row }: SecretContext): Buffer {
  return Buffer.from(JSON.stringify(['twofold', 1, keyId, table, column, owner, row]), 'utf8');
}
