import type { ReportProgress } from '../../shared/progress.js';
import { describeMachine, isInstalled, type Machine } from '../measure/machine.js';
import type { Pair } from '../pair-list.js';
import { compare, totalsOf, type Comparison, type ToolTotal } from './compare.js';
import { measurePair, type PairResult } from './measure-pair.js';
import { PEER_PACKAGES, type DeltaTool } from './tools.js';

/** The JSON of `debshoal-bench deltas`. Bytes and seconds. */
export interface DeltasReport {
  readonly machine: Machine;
  /** Names of the tools that ran. */
  readonly tools: readonly string[];
  /** Those that were wanted but are not installed, with the programs that are not there. */
  readonly missing: readonly { readonly tool: string; readonly programs: readonly string[] }[];
  readonly pairs: readonly PairResult[];
  readonly totals: readonly ToolTotal[];
  readonly comparisons: readonly Comparison[];
}

export interface MeasureDeltasOptions {
  /** For one command of a tool. */
  readonly maxSeconds: number;
  readonly signal: AbortSignal;
  readonly report: ReportProgress;
  /** Called after each pair with the report so far: a long run is not lost when it is stopped. */
  readonly onPair?: (report: DeltasReport) => Promise<void>;
}

/** Measures all tools on the same pairs in one run. */
export async function measureDeltas(
  pairs: readonly Pair[],
  wanted: readonly DeltaTool[],
  { maxSeconds, signal, report, onPair }: MeasureDeltasOptions,
): Promise<DeltasReport> {
  const { tools, missing } = await sortOut(wanted);
  for (const { tool, programs } of missing) {
    report({ kind: 'warning', text: `${tool} is left out: no ${programs.join(', ')} here` });
  }
  const machine = await describeMachine(PEER_PACKAGES);
  const names = tools.map((tool) => tool.name);
  const done: PairResult[] = [];
  const soFar = (): DeltasReport => ({
    machine,
    tools: names,
    missing,
    pairs: done,
    totals: totalsOf(done, names),
    comparisons: compare(done, names),
  });
  for (const pair of pairs) {
    const result = await measurePair(pair, tools, {
      cores: machine.core === null ? [] : [machine.core],
      maxSeconds,
      signal,
    });
    done.push(result);
    report({ kind: 'note', text: `${done.length}/${pairs.length} ${summary(result)}` });
    await onPair?.(soFar());
  }
  return soFar();
}

async function sortOut(
  wanted: readonly DeltaTool[],
): Promise<{ tools: DeltaTool[]; missing: { tool: string; programs: string[] }[] }> {
  const tools: DeltaTool[] = [];
  const missing: { tool: string; programs: string[] }[] = [];
  for (const tool of wanted) {
    const programs: string[] = [];
    for (const name of tool.programs) if (!(await isInstalled(name))) programs.push(name);
    if (programs.length === 0) tools.push(tool);
    else missing.push({ tool: tool.name, programs });
  }
  return { tools, missing };
}

function summary({ name, results }: PairResult): string {
  const words = Object.entries(results).map(([tool, result]) => {
    if (result.kind !== 'measured') return `${tool} ${result.kind}`;
    return `${tool} ${result.deltaBytes}${result.isExact ? '' : ' NOT EXACT'}`;
  });
  return `${name}: ${words.join(', ')}`;
}
