import { createDecipheriv, createHmac, timingSafeEqual } from 'node:crypto';
import { InvalidInput } from '../errors.ts';
import { checkSeed, type ReadSeed } from './seed.ts';
import { below, readXml, type XmlElement } from './xml-tree.ts';

const namespace = 'urn:ietf:params:xml:ns:keyprov:pskc';
/** The registry writes `pskc:totp`; older documents have `pskc#totp`. */
const totpAlgorithms = [`${namespace}:totp`, `${namespace}#totp`];
const macs: Readonly<Record<string, string>> = {
  'http://www.w3.org/2000/09/xmldsig#hmac-sha1': 'sha1',
  'http://www.w3.org/2001/04/xmldsig-more#hmac-sha256': 'sha256',
  'http://www.w3.org/2001/04/xmldsig-more#hmac-sha384': 'sha384',
  'http://www.w3.org/2001/04/xmldsig-more#hmac-sha512': 'sha512',
};
const ciphers: Readonly<Record<string, { readonly name: string; readonly keyBytes: number }>> = {
  'http://www.w3.org/2001/04/xmlenc#aes128-cbc': { name: 'aes-128-cbc', keyBytes: 16 },
  'http://www.w3.org/2001/04/xmlenc#aes192-cbc': { name: 'aes-192-cbc', keyBytes: 24 },
  'http://www.w3.org/2001/04/xmlenc#aes256-cbc': { name: 'aes-256-cbc', keyBytes: 32 },
};
const blockBytes = 16;

/** A value that cannot be used, with the reason. */
class Unusable extends Error {}

/**
 * Seeds from a Portable Symmetric Key Container (RFC 6030): time-based keys, plain or encrypted with AES-CBC under a
 * key agreed on beforehand (section 6.1) and then with a MAC, which is checked first. What a container says beside, such
 * as a policy that is not kept here, makes the key refused, never the policy ignored (section 5). A signature over the
 * container is not looked at. Throws `InvalidInput` where the document as a whole is unusable.
 */
export function* readPskcSeeds(text: string, preSharedKey: Buffer | undefined): Generator<ReadSeed> {
  const container = readXml(text);
  if (container.name !== 'KeyContainer' || container.namespace !== namespace) {
    throw new InvalidInput('file', 'the document is no PSKC key container (RFC 6030)');
  }
  const open = opener(container, preSharedKey);
  const packages = container.children.filter(({ name }) => name === 'KeyPackage');
  for (const [index, each] of packages.entries()) {
    const key = below(each, 'Key');
    const serial = below(each, 'DeviceInfo', 'SerialNo')?.text ?? key?.attributes['Id'] ?? '';
    try {
      if (key === undefined) throw new Unusable('the package holds no key');
      yield checkSeed(index + 1, { serial, ...factsOf(each, key, open) });
    } catch (error) {
      if (!(error instanceof Unusable)) throw error;
      yield { kind: 'refused', at: index + 1, serial, reason: error.message };
    }
  }
}

function factsOf(keyPackage: XmlElement, key: XmlElement, open: (value: XmlElement) => Buffer) {
  if (!totpAlgorithms.includes(key.attributes['Algorithm'] ?? ''))
    throw new Unusable('this is no time-based key (TOTP)');
  for (const { name, text } of below(key, 'Policy')?.children ?? []) {
    if (name !== 'KeyUsage' || text !== 'OTP') throw new Unusable(`its policy (${name}) is not kept here`);
  }
  const format = below(key, 'AlgorithmParameters', 'ResponseFormat')?.attributes ?? {};
  if (format['Encoding'] !== 'DECIMAL') throw new Unusable('its codes are not decimal');
  if (/^(?:true|1)$/.test(format['CheckDigits'] ?? '')) throw new Unusable('its codes have a check digit');
  const data = below(key, 'Data');
  const number = (name: string, otherwise: string): string => {
    const value = below(data, name);
    if (value === undefined) return otherwise;
    const plain = below(value, 'PlainValue')?.text;
    if (plain === undefined) throw new Unusable(`its ${name} is not plain`);
    return plain;
  };
  if (Number(number('Time', '0')) !== 0) throw new Unusable('it counts its time from another moment than 1970');
  const secret = below(data, 'Secret');
  if (secret === undefined) throw new Unusable('it holds no secret');
  return {
    secret: open(secret),
    algorithm: below(key, 'AlgorithmParameters', 'Suite')?.text ?? 'SHA1',
    digits: format['Length'] ?? '',
    period: number('TimeInterval', '30'),
    username: nameOf(below(key, 'UserId')?.text ?? below(keyPackage, 'DeviceInfo', 'UserId')?.text ?? ''),
  };
}

/** RFC 6030 section 4.2 writes a distinguished name; of it the user's id counts, else the common name. */
function nameOf(userId: string): string {
  for (const attribute of ['UID', 'CN']) {
    const value = new RegExp(`(?:^|,)\\s*${attribute}\\s*=\\s*([^,+]+)`, 'i').exec(userId)?.[1];
    if (value !== undefined) return value.trim();
  }
  return userId;
}

/** How a secret of this container is opened; throws `Unusable` for one that cannot be. */
function opener(container: XmlElement, key: Buffer | undefined): (value: XmlElement) => Buffer {
  const method = below(container, 'MACMethod');
  let macKey: Buffer | undefined;
  return (value) => {
    const plain = below(value, 'PlainValue');
    if (plain !== undefined) return fromBase64(plain.text);
    const encrypted = below(value, 'EncryptedValue');
    if (encrypted === undefined) throw new Unusable('its secret is neither plain nor encrypted');
    if (below(container, 'EncryptionKey', 'KeyName') === undefined) {
      throw new Unusable('it is encrypted by a certificate or a passphrase, not by a key agreed on beforehand');
    }
    if (key === undefined) throw new Unusable('it is encrypted: give the key agreed on beforehand by --key-file');
    const mac = macs[method?.attributes['Algorithm'] ?? ''];
    const given = below(value, 'ValueMAC');
    // CBC alone tells nothing of changes: section 6.1 demands a MAC with it.
    if (mac === undefined || given === undefined)
      throw new Unusable('it is encrypted without a MAC that is known here');
    const wrapped = below(method, 'MACKey');
    macKey ??= wrapped === undefined ? key : decrypt(wrapped, key);
    const bytes = cipherValue(encrypted);
    const expected = createHmac(mac, macKey).update(bytes).digest();
    const found = fromBase64(given.text);
    if (found.length !== expected.length || !timingSafeEqual(found, expected)) {
      throw new Unusable('its MAC does not fit: another key, or it was changed');
    }
    return decrypt(encrypted, key);
  };
}

function cipherValue(encrypted: XmlElement): Buffer {
  return fromBase64(below(encrypted, 'CipherData', 'CipherValue')?.text ?? '');
}

/** XML Encryption section 5.2: the initialisation vector in front, the last byte tells how many pad. */
function decrypt(encrypted: XmlElement, key: Buffer): Buffer {
  const cipher = ciphers[below(encrypted, 'EncryptionMethod')?.attributes['Algorithm'] ?? ''];
  if (cipher === undefined) throw new Unusable('it is encrypted in a way that is not known here');
  if (cipher.keyBytes !== key.length)
    throw new Unusable(`its key has ${cipher.keyBytes} bytes, the one given ${key.length}`);
  const bytes = cipherValue(encrypted);
  if (bytes.length < 2 * blockBytes || bytes.length % blockBytes !== 0) throw new Unusable('its ciphertext is cut off');
  const decipher = createDecipheriv(cipher.name, key, bytes.subarray(0, blockBytes)).setAutoPadding(false);
  const padded = Buffer.concat([decipher.update(bytes.subarray(blockBytes)), decipher.final()]);
  const padding = padded.at(-1) ?? 0;
  if (padding < 1 || padding > blockBytes) throw new Unusable('it does not open: another key, or it was changed');
  return padded.subarray(0, padded.length - padding);
}

function fromBase64(text: string): Buffer {
  const clean = text.replaceAll(/\s/g, '');
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(clean)) throw new Unusable('a value is no base64');
  return Buffer.from(clean, 'base64');
}
