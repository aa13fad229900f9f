import { lookup as resolveName } from 'node:dns';
import { isIP } from 'node:net';
import ipaddr from 'ipaddr.js';
import { Agent, fetch, type RequestInit, type Response } from 'undici';

/** An address that must not be reached was asked of the service; nothing was sent. */
export class OutboundRefused extends Error {
  readonly code = 'outbound_refused';
  readonly host: string;

  constructor(host: string) {
    super(`${host} is not to be reached from here`);
    this.name = 'OutboundRefused';
    this.host = host;
  }
}

export interface OutboundOptions {
  /** Hosts (`jwks.internal`) and networks (`10.1.0.0/16`) of internal relying parties that may be reached all the same. */
  readonly allowed: readonly string[];
  readonly timeoutMilliseconds?: number;
  readonly mostBytes?: number;
  readonly onRefused?: (host: string) => void;
}

export interface Outbound {
  /**
   * Like the platform's fetch, for addresses that others wrote: https alone, no private, loopback, link-local, shared or
   * otherwise special address after the name is resolved and at the moment of connecting, no redirect followed, bounded
   * in time and size. Throws `OutboundRefused` for what may not be reached.
   */
  fetch(url: string | URL, init?: RequestInit): Promise<Response>;
  /** Throws `OutboundRefused` for what can be refused by the address alone, before any name is looked up. */
  check(url: string | URL): void;
  close(): Promise<void>;
}

/** The one way out to addresses that others wrote (back-channel logout, webhooks, keys and metadata of clients). */
export function createOutbound(options: OutboundOptions): Outbound {
  const { timeoutMilliseconds = 5000, mostBytes = 262_144, onRefused = () => {} } = options;
  const hosts = new Set(options.allowed.filter((entry) => !isNetwork(entry)).map((entry) => entry.toLowerCase()));
  const networks = options.allowed.filter(isNetwork).map(parseNetwork);

  const mayReach = (address: string): boolean => {
    const parsed = ipaddr.process(address);
    if (networks.some(([net, bits]) => net.kind() === parsed.kind() && parsed.match(net, bits))) return true;
    // Everything that is not plainly of the public net has a range of another name.
    return parsed.range() === 'unicast';
  };
  const refuse = (host: string): OutboundRefused => {
    onRefused(host);
    return new OutboundRefused(host);
  };

  const agent = new Agent({
    connect: {
      timeout: timeoutMilliseconds,
      // Called for the very connection that is made: a name that answers otherwise a moment later gains nothing.
      lookup: (hostname, { all, ...rest }, callback) => {
        resolveName(hostname, { ...rest, all: true }, (error, found) => {
          if (error) return callback(error, []);
          const addresses = found.filter(({ address }) => hosts.has(hostname.toLowerCase()) || mayReach(address));
          const [first] = addresses;
          if (first === undefined || addresses.length < found.length) return callback(refuse(hostname), []);
          return all === true ? callback(null, addresses) : callback(null, first.address, first.family);
        });
      },
    },
    headersTimeout: timeoutMilliseconds,
    bodyTimeout: timeoutMilliseconds,
    maxResponseSize: mostBytes,
    keepAliveTimeout: 1000,
  });

  function check(url: string | URL): void {
    const { protocol, hostname, username, password } = new URL(url);
    const host = hostname.replace(/^\[|\]$/g, '');
    const isAllowedHost = hosts.has(host.toLowerCase());
    // An address written out is never looked up, in whatever base it was written: it is judged here.
    const isRefused =
      isIP(host) > 0 ? !isAllowedHost && !mayReach(host) : /(?:^|\.)localhost\.?$/i.test(host) && !isAllowedHost;
    const isPlain =
      protocol !== 'https:' && !(protocol === 'http:' && (isAllowedHost || (isIP(host) > 0 && !isRefused)));
    if (isRefused || isPlain || username !== '' || password !== '') throw refuse(host);
  }

  return {
    check,
    async fetch(url, init = {}) {
      check(url);
      const signal = AbortSignal.timeout(timeoutMilliseconds);
      try {
        return await fetch(url, { ...init, redirect: 'manual', signal, dispatcher: agent });
      } catch (error) {
        const cause = (error as { cause?: unknown }).cause;
        throw cause instanceof OutboundRefused ? cause : error;
      }
    },
    close: () => agent.destroy(),
  };
}

function isNetwork(entry: string): boolean {
  return ipaddr.isValidCIDR(entry) || ipaddr.isValid(entry);
}

function parseNetwork(entry: string): [ipaddr.IPv4 | ipaddr.IPv6, number] {
  if (ipaddr.isValidCIDR(entry)) return ipaddr.parseCIDR(entry);
  const address = ipaddr.parse(entry);
  return [address, address.kind() === 'ipv4' ? 32 : 128];
}
