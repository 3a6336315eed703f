import { describe, expect, it } from 'vitest';

import { compare, totalsOf } from '../../../bench/deltas/compare.js';
import type { PairResult, ToolResult } from '../../../bench/deltas/measure-pair.js';

function took(deltaBytes: number, seconds: number, isExact = true): ToolResult {
  const cost = {
    wallSeconds: seconds,
    cpuSeconds: seconds,
    peakRssBytes: seconds * 1e6,
    readBytes: 0,
    writtenBytes: 0,
  };
  return {
    kind: 'measured',
    deltaBytes,
    diff: cost,
    apply: cost,
    applySecondsWithRecompression: seconds,
    applySecondsWithoutRecompression: seconds / 2,
    isExact,
  };
}

function onTars(deltaBytes: number, seconds: number): ToolResult {
  return { ...took(deltaBytes, seconds), applySecondsWithRecompression: null } as ToolResult;
}

const FAILED: ToolResult = { kind: 'failed', code: 'tool-failed', error: 'no' };
const SKIPPED: ToolResult = { kind: 'skipped', reason: 'large' };

function pair(name: string, results: Record<string, ToolResult>): PairResult {
  return { name, oldBytes: 1, newBytes: 1, results };
}

const PAIRS = [
  pair('a', { debshoal: took(50, 2), debdelta: took(100, 1), zstd: onTars(400, 0) }),
  pair('b', { debshoal: took(90, 4), debdelta: took(60, 1), zstd: SKIPPED }),
  pair('c', { debshoal: took(1000, 1, false), debdelta: FAILED, zstd: FAILED }),
];
const TOOLS = ['debshoal', 'debdelta', 'zstd'];

describe('totals', () => {
  it('count what each tool did, and what it did not', () => {
    expect(totalsOf(PAIRS, TOOLS)).toMatchObject([
      { tool: 'debshoal', pairs: 3, failed: 0, inexact: 1, deltaBytes: 1140, diffPeakBytes: 4e6 },
      { tool: 'debdelta', pairs: 2, failed: 1, skipped: 0, deltaBytes: 160, diffCpuSeconds: 2 },
      { tool: 'zstd', pairs: 1, failed: 1, skipped: 1, deltaBytes: 400 },
    ]);
  });
});

describe('a comparison', () => {
  it('takes the pairs that both could do, and names the worst', () => {
    const [debdelta, zstd] = compare(PAIRS, TOOLS);
    expect(debdelta).toEqual({
      peer: 'debdelta',
      pairs: 2,
      ourBytes: 140,
      peerBytes: 160,
      bytesRatio: 0.875,
      diffRatio: 3,
      applyRatio: 3,
      worst: { name: 'b', bytesRatio: 1.5 },
      lost: ['b'],
    });
    // Beside a tool that makes no .deb, and took less than can be measured.
    expect(zstd).toMatchObject({ pairs: 1, applyRatio: null, diffRatio: null, lost: [] });
  });

  it('takes seconds without recompression beside a tool on tars', () => {
    const pairs = [pair('a', { debshoal: took(50, 2), bsdiff: onTars(100, 4) })];
    expect(compare(pairs, ['debshoal', 'bsdiff'])).toMatchObject([{ applyRatio: 0.5 }]);
  });

  it('is left out without a pair in common', () => {
    expect(compare([pair('a', { debshoal: FAILED, zstd: onTars(1, 1) })], TOOLS)).toEqual([]);
    expect(compare([pair('a', { zstd: onTars(1, 1) })], ['zstd'])).toEqual([]);
  });
});
