import { SetupFault } from '../../errors.ts';

export type RedisAddress =
  | { readonly kind: 'server' }
  | (Several & {
      readonly kind: 'sentinel';
      /** The name under which the sentinels know the master. */
      readonly master: string;
      readonly database: number;
      readonly sentinelPassword: string | undefined;
    })
  | (Several & { readonly kind: 'cluster' });

interface Several {
  readonly nodes: { readonly host: string; readonly port: number }[];
  readonly username: string | undefined;
  readonly password: string | undefined;
  readonly tls: boolean;
}

const form =
  /^redis(?<tls>s?)\+(?<kind>sentinel|cluster):\/\/(?:(?<username>[^:@/]*)(?::(?<password>[^@/]*))?@)?(?<nodes>[^/?@]+)(?:\/(?<master>[^/?]*)(?:\/(?<database>\d{1,5}))?)?(?:\?(?<query>.*))?$/;

/**
 * `redis://` and `rediss://` name one server. `redis+sentinel://[user:password@]host[:26379],…/master[/database]` names
 * sentinels (`?sentinel_password=` is theirs, the other one is the master's), `redis+cluster://[user:password@]host[:6379],…`
 * nodes of a cluster; `rediss+…` for TLS. User and password are percent-encoded. Throws `SetupFault` for anything else.
 */
export function parseRedisUrl(url: string): RedisAddress {
  if (/^rediss?:\/\//.test(url)) return { kind: 'server' };
  const { tls, kind, username, password, nodes, master, database, query } = form.exec(url)?.groups ?? {};
  const defaultPort = kind === 'sentinel' ? 26_379 : 6379;
  const found = (nodes ?? '').split(',').map((node) => {
    const [, host = '', port] = /^(\[[0-9a-f:.]+\]|[\w.-]+)(?::(\d{1,5}))?$/i.exec(node) ?? [];
    return { host: host.replaceAll(/[[\]]/g, ''), port: port === undefined ? defaultPort : Number(port) };
  });
  if (found.some(({ host }) => host === '') || (kind === 'sentinel' && !master) || (kind === 'cluster' && master)) {
    throw new SetupFault(
      'redis_url',
      'REDIS_URL: must be redis://host, redis+sentinel://host,host/master or redis+cluster://host,host',
    );
  }
  const several = { nodes: found, username: decoded(username), password: decoded(password), tls: tls === 's' };
  if (kind === 'cluster') return { kind, ...several };
  const sentinelPassword = new URLSearchParams(query).get('sentinel_password') ?? undefined;
  return { kind: 'sentinel', ...several, master: master ?? '', database: Number(database ?? 0), sentinelPassword };
}

function decoded(text: string | undefined): string | undefined {
  return text ? decodeURIComponent(text) : undefined;
}
