import type { PairResult, ToolResult } from './measure-pair.js';
import { DEBSHOAL } from './tools.js';

/** A tool over all pairs that it could do. */
export interface ToolTotal {
  readonly tool: string;
  readonly pairs: number;
  readonly failed: number;
  readonly skipped: number;
  readonly inexact: number;
  readonly deltaBytes: number;
  readonly diffCpuSeconds: number;
  readonly applyCpuSeconds: number;
  readonly diffPeakBytes: number;
  readonly applyPeakBytes: number;
}

/** Ours beside a peer, over the pairs that both could do. Ratios are ours ÷ theirs. */
export interface Comparison {
  readonly peer: string;
  readonly pairs: number;
  readonly ourBytes: number;
  readonly peerBytes: number;
  readonly bytesRatio: number;
  /** CPU seconds; null where the peer's are too few to measure. */
  readonly diffRatio: number | null;
  /** Seconds to the .deb beside a peer that makes a .deb, without recompression beside the others. */
  readonly applyRatio: number | null;
  /** The pair where ours is largest beside the peer's. */
  readonly worst: { readonly name: string; readonly bytesRatio: number };
  /** Names of pairs where ours is the larger one. */
  readonly lost: readonly string[];
}

type Measured = Extract<ToolResult, { kind: 'measured' }>;

function measured(result: ToolResult | undefined): Measured[] {
  return result?.kind === 'measured' ? [result] : [];
}

function sum(values: readonly number[]): number {
  return values.reduce((all, value) => all + value, 0);
}

/** Totals of each tool that ran, in the order of `tools`. */
export function totalsOf(pairs: readonly PairResult[], tools: readonly string[]): ToolTotal[] {
  return tools.map((tool) => {
    const results = pairs.map((pair) => pair.results[tool]);
    const done = results.flatMap(measured);
    return {
      tool,
      pairs: done.length,
      failed: results.filter((result) => result?.kind === 'failed').length,
      skipped: results.filter((result) => result?.kind === 'skipped').length,
      inexact: done.filter((result) => !result.isExact).length,
      deltaBytes: sum(done.map((result) => result.deltaBytes)),
      diffCpuSeconds: sum(done.map((result) => result.diff.cpuSeconds)),
      applyCpuSeconds: sum(done.map((result) => result.apply.cpuSeconds)),
      diffPeakBytes: Math.max(0, ...done.map((result) => result.diff.peakRssBytes)),
      applyPeakBytes: Math.max(0, ...done.map((result) => result.apply.peakRssBytes)),
    };
  });
}

/** Ours beside each peer of `tools`; peers without a pair in common are left out. */
export function compare(pairs: readonly PairResult[], tools: readonly string[]): Comparison[] {
  return tools
    .filter((tool) => tool !== DEBSHOAL.name)
    .flatMap((peer) => {
      const both = pairs.flatMap((pair) =>
        measured(pair.results[DEBSHOAL.name]).flatMap((ours) =>
          measured(pair.results[peer]).map((theirs) => ({ name: pair.name, ours, theirs })),
        ),
      );
      const [worst] = both
        .map(({ name, ours, theirs }) => ({
          name,
          bytesRatio: ours.deltaBytes / theirs.deltaBytes,
        }))
        .sort((a, b) => b.bytesRatio - a.bytesRatio);
      if (worst === undefined) return [];
      const ours = both.map((pair) => pair.ours);
      const theirs = both.map((pair) => pair.theirs);
      const makesDebs = theirs.some((result) => result.applySecondsWithRecompression !== null);
      return {
        peer,
        pairs: both.length,
        ...bytesOf(ours, theirs),
        diffRatio: ratio(ours, theirs, (result) => result.diff.cpuSeconds),
        applyRatio: ratio(ours, theirs, (result) =>
          makesDebs
            ? result.applySecondsWithRecompression
            : result.applySecondsWithoutRecompression,
        ),
        worst,
        lost: both
          .filter((pair) => pair.ours.deltaBytes > pair.theirs.deltaBytes)
          .map(({ name }) => name),
      };
    });
}

function bytesOf(
  ours: readonly Measured[],
  theirs: readonly Measured[],
): Pick<Comparison, 'ourBytes' | 'peerBytes' | 'bytesRatio'> {
  const ourBytes = sum(ours.map((result) => result.deltaBytes));
  const peerBytes = sum(theirs.map((result) => result.deltaBytes));
  return { ourBytes, peerBytes, bytesRatio: ourBytes / peerBytes };
}

function ratio(
  ours: readonly Measured[],
  theirs: readonly Measured[],
  of: (result: Measured) => number | null,
): number | null {
  const [our, their] = [ours, theirs].map((all) => sum(all.map((result) => of(result) ?? 0)));
  return our === undefined || !their ? null : our / their;
}
