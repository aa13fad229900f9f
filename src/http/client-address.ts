import ipaddr from 'ipaddr.js';

type Address = ipaddr.IPv4 | ipaddr.IPv6;
type Range = [Address, number];

/** What stands for every address that cannot be told: all of them share one budget, so it is the most limited. */
export const unknownAddress = 'unknown';

/** Entries of X-Forwarded-For looked at, from the right; more are of a client's own writing. */
const mostHops = 10;

/** From the peer of the connection and the X-Forwarded-For header to the client's address. */
export type ClientAddress = ((socketAddress: string | undefined, forwardedFor: string | undefined) => string) & {
  /** Whether the peer of the connection is a trusted proxy. */
  isProxy(socketAddress: string | undefined): boolean;
};

/**
 * Tells the client's address: the peer of the connection, or, where the peer is a trusted proxy, the right-most entry
 * of X-Forwarded-For that is not one. All that stands left of it is the client's own claim, and no other header is
 * looked at. `trustedProxies` are addresses or networks (`10.0.0.0/8`); throws on one that is neither.
 */
export function createClientAddress(trustedProxies: readonly string[]): ClientAddress {
  const trusted = trustedProxies.map(parseRange);
  const isTrusted = (address: Address): boolean =>
    trusted.some(([network, bits]) => network.kind() === address.kind() && address.match(network, bits));

  const isProxy = (socketAddress: string | undefined): boolean => {
    const peer = parseAddress(socketAddress ?? '');
    return peer !== undefined && isTrusted(peer);
  };
  const addressOf = (socketAddress: string | undefined, forwardedFor: string | undefined): string => {
    const peer = parseAddress(socketAddress ?? '');
    if (peer === undefined) return unknownAddress;
    if (!isTrusted(peer) || forwardedFor === undefined) return peer.toString();
    // A proxy that says something unreadable leaves us not knowing; guessing further left would trust the client.
    for (const entry of forwardedFor.slice(-2000).split(',').slice(-mostHops).reverse()) {
      const address = parseAddress(entry.trim());
      if (address === undefined) return unknownAddress;
      if (!isTrusted(address)) return address.toString();
    }
    return unknownAddress;
  };
  return Object.assign(addressOf, { isProxy });
}

/** Budgets are shared by those who share a network: /24 for IPv4, /64 for IPv6. */
export function networkOf(address: string): string {
  const parsed = parseAddress(address);
  if (parsed === undefined) return unknownAddress;
  return parsed.kind() === 'ipv4'
    ? ipaddr.IPv4.networkAddressFromCIDR(`${parsed.toString()}/24`).toString()
    : ipaddr.IPv6.networkAddressFromCIDR(`${parsed.toString()}/64`).toString();
}

const mostRemembered = 1000;
const remembered = new Map<string, Address | undefined>();

/** An address with or without a port, IPv4 inside IPv6 as IPv4; undefined for anything else, zones included. */
function parseAddress(text: string): Address | undefined {
  if (remembered.has(text)) return remembered.get(text);
  const address = readAddress(text);
  // Each request names the same few, proxies above all, and more than once.
  if (remembered.size >= mostRemembered) remembered.clear();
  if (text.length <= 64) remembered.set(text, address);
  return address;
}

function readAddress(text: string): Address | undefined {
  const bare =
    /^\[([0-9a-f:.]+)\](?::\d{1,5})?$/i.exec(text)?.[1] ?? /^(\d+(?:\.\d+){3}):\d{1,5}$/.exec(text)?.[1] ?? text;
  if (bare.length > 64 || bare.includes('%')) return undefined;
  if (!ipaddr.IPv4.isValidFourPartDecimal(bare) && !ipaddr.IPv6.isValid(bare)) return undefined;
  return ipaddr.process(bare);
}

function parseRange(text: string): Range {
  const [bare, bits] = text.split('/');
  const address = parseAddress(bare ?? '');
  const most = address?.kind() === 'ipv4' ? 32 : 128;
  const length = bits === undefined ? most : /^\d{1,3}$/.test(bits) ? Number(bits) : Number.NaN;
  if (address === undefined || !(length >= 0 && length <= most)) {
    throw new TypeError(`TRUSTED_PROXIES: neither an address nor a network, got '${text}'`);
  }
  return [address, length];
}
