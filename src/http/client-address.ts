import ipaddr from 'ipaddr.js';

/** What an address that cannot be read is called: all such requests share one, most limited, budget. */
export const unknownAddress = 'unknown';

export type ClientAddress = (socketAddress: string | undefined, forwardedFor: string | undefined) => string;

/**
 * The address a request came from. `X-Forwarded-For` is believed only from trusted proxies, and read from the right: the
 * first item that no trusted proxy added itself is the client; everything left of it the client may have written.
 * Throws on a CIDR that cannot be read.
 */
export function createClientAddress(trustedProxies: readonly string[]): ClientAddress {
  const trusted = trustedProxies.map((cidr) => ipaddr.parseCIDR(cidr.includes('/') ? cidr : withFullLength(cidr)));
  const isTrusted = (address: ipaddr.IPv4 | ipaddr.IPv6): boolean =>
    trusted.some(([network, bits]) => network.kind() === address.kind() && address.match(network as never, bits));

  return (socketAddress, forwardedFor) => {
    let address = parse(socketAddress);
    if (address === undefined) return unknownAddress;
    const items = (forwardedFor ?? '').slice(-2000).split(',');
    while (isTrusted(address) && items.length > 0) {
      const item = items.pop()?.trim() ?? '';
      if (item === '') continue;
      const next = parse(item);
      if (next === undefined) return unknownAddress;
      address = next;
    }
    return address.toString();
  };
}

/** Budgets are shared by those who share a network: /24 for IPv4, /64 for IPv6. */
export function networkOf(address: string): string {
  const parsed = parse(address);
  if (parsed === undefined) return unknownAddress;
  return parsed.kind() === 'ipv4'
    ? ipaddr.IPv4.networkAddressFromCIDR(`${parsed.toString()}/24`).toString()
    : ipaddr.IPv6.networkAddressFromCIDR(`${parsed.toString()}/64`).toString();
}

function parse(text: string | undefined): ipaddr.IPv4 | ipaddr.IPv6 | undefined {
  if (text === undefined || text.length > 64 || text.includes('%') || !ipaddr.isValid(text)) return undefined;
  return ipaddr.process(text);
}

function withFullLength(address: string): string {
  return `${address}/${address.includes(':') ? 128 : 32}`;
}
