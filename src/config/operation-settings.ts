import { z } from 'zod';
import { whole, type SettingDefinition } from './setting-definition.ts';

/** What those who run the service see of it, and how it ends. */
export const operationSettings = {
  metricsPort: {
    name: 'TWOFOLD_METRICS_PORT',
    path: 'http.metrics_port',
    schema: whole(0, 65_535),
    default: '0',
    sentence: 'The port of /metrics, apart from the public one; 0 turns it off.',
  },
  shutdownGraceSeconds: {
    name: 'TWOFOLD_SHUTDOWN_GRACE_SECONDS',
    path: 'http.shutdown_grace_seconds',
    schema: whole(1, 600),
    default: '20',
    sentence: 'How long running requests may take to end after SIGTERM.',
  },
  drainSeconds: {
    name: 'TWOFOLD_DRAIN_SECONDS',
    path: 'http.drain_seconds',
    schema: whole(0, 300),
    default: '0',
    sentence: 'How long after SIGTERM requests are still taken while /readyz says no, for a load balancer to notice.',
  },
  keyRolloutSeconds: {
    name: 'TWOFOLD_KEY_ROLLOUT_SECONDS',
    path: 'keys.rollout_seconds',
    schema: whole(0, 86_400),
    default: '600',
    sentence:
      'How long a new encryption key only opens before it seals: the time in which every replica is restarted with it.',
  },
  syslogUrl: {
    name: 'TWOFOLD_SYSLOG_URL',
    path: 'audit.syslog_url',
    schema: z.string().refine(isSyslogServer, 'must be syslog+tcp://host[:port] or syslog+tls://host[:port]'),
    sentence: 'A syslog server to which every event of the record is sent, by TCP (601) or TLS (6514), as RFC 5424.',
  },
} as const satisfies Record<string, SettingDefinition>;

function isSyslogServer(value: string): boolean {
  if (!/^syslog\+(?:tcp|tls):\/\//.test(value) || !URL.canParse(value)) return false;
  const { hostname, username, pathname, search, hash } = new URL(value);
  return hostname !== '' && username === '' && /^\/?$/.test(pathname) && search === '' && hash === '';
}
