import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { AuditEvent } from '../domain/audit-event.ts';
import { storeFaultChannel } from '../errors.ts';
import { outcomesOf } from './event-outcomes.ts';

/** What is looked up when the metrics are asked for. */
export interface MetricSources {
  /** Connections of this replica to the database. */
  readonly connections: () => { readonly total: number; readonly idle: number; readonly waiting: number };
  readonly hashQueue: () => { readonly waiting: number; readonly refused: number };
  /** Ages in seconds of what waits longest in the tables; 0 where nothing waits. May fail. */
  readonly backlog: () => Promise<{ readonly outbox: Readonly<Record<string, number>>; readonly unsealed: number }>;
}

/** One answered request. `route` is one of a closed list, never the path itself. */
export interface AnsweredRequest {
  readonly method: string;
  readonly route: string;
  readonly status: number;
  readonly seconds: number;
}

export interface Metrics {
  countRequest(answered: AnsweredRequest): void;
  /** Counts what these recorded events tell of sign-ins and second factors; to be called once they are committed. */
  countEvents(events: readonly AuditEvent[]): void;
  /** Everything in the text form of Prometheus. */
  expose(): Promise<{ readonly contentType: string; readonly text: string }>;
  close(): void;
}

const backlogSeconds = 5;

/**
 * What operators watch. No label tells of a person, a relying party or an address: labels are closed lists, so that
 * strangers cannot make the store of metrics grow.
 */
export function createMetrics(sources: MetricSources, epochSeconds: () => number): Metrics {
  const registry = new Registry();
  const registers = [registry];
  const counter = <Label extends string>(name: string, help: string, labelNames: Label[] = []) =>
    new Counter({ name, help, labelNames, registers });
  const gauge = <Label extends string>(name: string, help: string, labelNames: Label[] = []) =>
    new Gauge({ name, help, labelNames, registers });

  collectDefaultMetrics({ register: registry });
  const signIns = counter('twofold_sign_ins_total', 'Sign-ins by their end', ['result']);
  const secondFactor = counter('twofold_second_factor_total', 'Codes that were compared or refused', ['result']);
  const lanesClosed = counter('twofold_lanes_closed_total', 'Lanes closed by failures in a row', ['lane']);
  const exchanges = counter('twofold_token_exchanges_total', 'Exchanges of tokens that were asked for', ['result']);
  const unreadable = counter('twofold_secret_unreadable_total', 'Secrets that no key of the ring opens');
  const storeFaults = counter('twofold_store_faults_total', 'Calls to a store that failed', ['store']);
  const hashRefused = counter('twofold_hash_queue_refused_total', 'Passwords turned away because too many waited');
  const hashWaiting = gauge('twofold_hash_queue_waiting', 'Passwords that wait to be checked');
  const pool = gauge('twofold_database_connections', 'Connections to PostgreSQL', ['state']);
  const outbox = gauge('twofold_outbox_oldest_seconds', 'Age of the oldest message that waits', ['channel']);
  const unsealed = gauge('twofold_audit_unsealed_oldest_seconds', 'Age of the oldest event that is not sealed');
  const requests = new Histogram({
    name: 'twofold_http_request_duration_seconds',
    help: 'How long requests took',
    labelNames: ['method', 'route', 'status'],
    buckets: [0.005, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2, 3, 5, 10],
    registers,
  });
  // An alert on growth needs a first value to grow from.
  for (const store of ['postgresql', 'redis']) storeFaults.inc({ store }, 0);
  unreadable.inc(0);
  hashRefused.inc(0);

  const onStoreFault = (message: unknown): void => storeFaults.inc({ store: (message as { store: string }).store });
  subscribe(storeFaultChannel, onStoreFault);
  let refusedBefore = 0;
  let lookedAt = -Infinity;

  async function readBacklog(): Promise<void> {
    if (epochSeconds() - lookedAt < backlogSeconds) return;
    lookedAt = epochSeconds();
    try {
      const found = await sources.backlog();
      outbox.reset();
      for (const [channel, seconds] of Object.entries(found.outbox)) outbox.set({ channel }, seconds);
      unsealed.set(found.unsealed);
    } catch {
      // The fault is counted where it happened; yesterday's numbers would look like health.
      outbox.reset();
      unsealed.reset();
    }
  }

  return {
    countRequest({ method, route, status, seconds }) {
      requests.observe({ method, route, status: String(status) }, seconds);
    },
    countEvents(events) {
      for (const event of events) {
        const { signIn, code, lane, secretUnreadable, exchange } = outcomesOf(event);
        if (signIn !== undefined) signIns.inc({ result: signIn });
        if (code !== undefined) secondFactor.inc({ result: code });
        if (lane !== undefined) lanesClosed.inc({ lane });
        if (secretUnreadable) unreadable.inc();
        if (exchange !== undefined) exchanges.inc({ result: exchange });
      }
    },
    async expose() {
      const { waiting, refused } = sources.hashQueue();
      hashWaiting.set(waiting);
      hashRefused.inc(refused - refusedBefore);
      refusedBefore = refused;
      for (const [state, count] of Object.entries(sources.connections())) pool.set({ state }, count);
      await readBacklog();
      return { contentType: registry.contentType, text: await registry.metrics() };
    },
    close() {
      unsubscribe(storeFaultChannel, onStoreFault);
      registry.clear();
    },
  };
}
