import type { Slice } from './slices.ts';
import { median, quantile } from './statistics.ts';

/** Slices of one operation: the bare engine's and ours, in pairs of the same moment. */
export interface Comparison {
  operation: string;
  bare: Slice[];
  ours: Slice[];
  /** CPU milliseconds of one password hash, taken off both; 0 where the operation has none. */
  hashMilliseconds: number;
}

export interface Result {
  operation: string;
  ratio: number;
  ratioLow: number;
  ratioHigh: number;
  bareCpuMilliseconds: number;
  oursCpuMilliseconds: number;
  oursServerCpuMilliseconds: number;
  hashMilliseconds: number;
  barePerSecond: number;
  oursPerSecond: number;
  bareP95Milliseconds: number;
  oursP95Milliseconds: number;
  samples: number;
}

/** Medians over the pairs; the ratio is the median of the pairs' ratios, with its quartiles. */
export function evaluate({ operation, bare, ours, hashMilliseconds }: Comparison): Result {
  const ratios = ours.map((slice, index) => {
    const beside = bare[index];
    return beside
      ? (slice.cpuPerOperation - hashMilliseconds) / (beside.cpuPerOperation - hashMilliseconds)
      : Number.NaN;
  });
  const perSecond = (slice: Slice): number => (slice.operations * 1000) / slice.elapsedMilliseconds;
  const latencies = (slices: Slice[]): number[] => slices.flatMap((slice) => slice.latencies);
  return {
    operation,
    ratio: median(ratios),
    ratioLow: quantile(ratios, 0.25),
    ratioHigh: quantile(ratios, 0.75),
    bareCpuMilliseconds: median(bare.map((slice) => slice.cpuPerOperation)) - hashMilliseconds,
    oursCpuMilliseconds: median(ours.map((slice) => slice.cpuPerOperation)) - hashMilliseconds,
    oursServerCpuMilliseconds: median(ours.map((slice) => slice.serverCpuPerOperation)) - hashMilliseconds,
    hashMilliseconds,
    barePerSecond: median(bare.map(perSecond)),
    oursPerSecond: median(ours.map(perSecond)),
    bareP95Milliseconds: quantile(latencies(bare), 0.95),
    oursP95Milliseconds: quantile(latencies(ours), 0.95),
    samples: ours.length,
  };
}

/** The results as a table for people. */
export function table(results: Result[]): string {
  const rows = results.map((result) => [
    result.operation,
    `${result.ratio.toFixed(2)}x (${result.ratioLow.toFixed(2)} to ${result.ratioHigh.toFixed(2)})`,
    `${result.bareCpuMilliseconds.toFixed(2)} ms`,
    `${result.oursCpuMilliseconds.toFixed(2)} ms (server ${result.oursServerCpuMilliseconds.toFixed(2)})`,
    `${result.barePerSecond.toFixed(0)} / ${result.oursPerSecond.toFixed(0)}`,
    `${result.bareP95Milliseconds.toFixed(0)} / ${result.oursP95Milliseconds.toFixed(0)} ms`,
  ]);
  const head = ['operation', 'CPU ratio (quartiles)', 'bare CPU', 'Twofold CPU', 'per second', 'p95'];
  const widths = head.map((title, column) => Math.max(title.length, ...rows.map((row) => row[column]?.length ?? 0)));
  const line = (cells: string[]): string => cells.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ');
  return [line(head), ...rows.map(line)].join('\n');
}
