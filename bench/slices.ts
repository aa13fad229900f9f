import { performance } from 'node:perf_hooks';
import { cpuMilliseconds } from './process-cost.ts';
import type { Target } from './targets.ts';

/** What one slice of one operation on one target showed. */
export interface Slice {
  operations: number;
  elapsedMilliseconds: number;
  /** CPU milliseconds of the server and its stores together, for one operation. */
  cpuPerOperation: number;
  serverCpuPerOperation: number;
  latencies: number[];
}

/** One operation; `worker` numbers the parallel callers from 0. */
export type Operation = (worker: number) => Promise<unknown>;

/**
 * Runs the operation for about `milliseconds`, `workers` at once, and reads the CPU of the target's processes around
 * it. Every call that began has ended before the second reading.
 */
export async function runSlice(
  target: Target,
  operation: Operation,
  milliseconds: number,
  workers: number,
): Promise<Slice> {
  const { pid } = target.server;
  if (pid === undefined) throw new Error(`${target.name} does not run`);
  const storeCost = (): number => target.stores.reduce((sum, store) => sum + cpuMilliseconds(store), 0);
  const latencies: number[] = [];
  const serverBefore = cpuMilliseconds(pid);
  const storesBefore = storeCost();
  const started = performance.now();
  const work = async (worker: number): Promise<void> => {
    while (performance.now() - started < milliseconds) {
      const begun = performance.now();
      await operation(worker);
      latencies.push(performance.now() - begun);
    }
  };
  await Promise.all(Array.from({ length: workers }, (_, worker) => work(worker)));
  const elapsedMilliseconds = performance.now() - started;
  const server = cpuMilliseconds(pid) - serverBefore;
  const stores = storeCost() - storesBefore;
  const operations = latencies.length;
  return {
    operations,
    elapsedMilliseconds,
    cpuPerOperation: (server + stores) / operations,
    serverCpuPerOperation: server / operations,
    latencies,
  };
}
