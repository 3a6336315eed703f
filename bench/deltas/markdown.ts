import {
  megabytes,
  oneCell,
  ratio,
  seconds,
  table,
  type Cells,
} from '../measure/markdown-table.js';
import type { Comparison, ToolTotal } from './compare.js';
import type { DeltasReport } from './measure-deltas.js';
import type { PairResult, ToolResult } from './measure-pair.js';

/** The whole report for people: sizes, costs, totals, comparisons. */
export function toMarkdown(report: DeltasReport): string {
  const { machine, tools, missing, pairs } = report;
  const { core } = machine;
  return [
    `${machine.processor}, ${core === null ? 'not pinned to a core' : `one core (${core})`}, Node ${machine.node}; ${machine.packages.join(', ')}.`,
    ...missing.map(({ tool, programs }) => `Missing: ${tool} (no ${programs.join(', ')}).`),
    '',
    'Bytes of the deltas:',
    '',
    sizes(pairs, tools),
    '',
    'Costs: wall-clock and CPU seconds, peak MB of one process:',
    '',
    costs(pairs),
    '',
    'Totals:',
    '',
    totals(report.totals),
    ...(report.comparisons.length === 0
      ? []
      : ['', 'Ours ÷ theirs:', '', ratios(report.comparisons)]),
  ].join('\n');
}

function sizes(pairs: readonly PairResult[], tools: readonly string[]): string {
  const cell = (result: ToolResult | undefined): string | number => {
    if (result === undefined) return '-';
    return result.kind === 'measured' ? result.deltaBytes : result.kind;
  };
  return table(
    ['pair', '.deb', ...tools],
    pairs.map(({ name, newBytes, results }) => [
      name,
      newBytes ?? '-',
      ...tools.map((tool) => cell(results[tool])),
    ]),
  );
}

const COST_COLUMNS = [
  ...['pair', 'tool', 'diff s', 'diff CPU s', 'diff MB'],
  ...['apply s', 'without recompression s', 'apply CPU s', 'apply MB', 'exact'],
];

function costs(pairs: readonly PairResult[]): string {
  const rows = pairs.flatMap(({ name, results }) =>
    Object.entries(results).map(([tool, result]): Cells => {
      if (result.kind !== 'measured') {
        const why = result.kind === 'failed' ? `${result.code}: ${result.error}` : result.reason;
        return [name, tool, ...Array<string>(7).fill('-'), oneCell(`${result.kind}: ${why}`)];
      }
      return [
        name,
        tool,
        seconds(result.diff.wallSeconds),
        seconds(result.diff.cpuSeconds),
        megabytes(result.diff.peakRssBytes),
        seconds(result.applySecondsWithRecompression),
        seconds(result.applySecondsWithoutRecompression),
        seconds(result.apply.cpuSeconds),
        megabytes(result.apply.peakRssBytes),
        result.isExact ? 'yes' : 'NO',
      ];
    }),
  );
  return table(COST_COLUMNS, rows);
}

function totals(rows: readonly ToolTotal[]): string {
  return table(
    [
      ...['tool', 'pairs', 'failed', 'skipped', 'not exact', 'bytes'],
      ...['diff CPU s', 'diff MB', 'apply CPU s', 'apply MB'],
    ],
    rows.map((row) => [
      row.tool,
      row.pairs,
      row.failed,
      row.skipped,
      row.inexact,
      row.deltaBytes,
      seconds(row.diffCpuSeconds),
      megabytes(row.diffPeakBytes),
      seconds(row.applyCpuSeconds),
      megabytes(row.applyPeakBytes),
    ]),
  );
}

function ratios(rows: readonly Comparison[]): string {
  return table(
    ['peer', 'pairs', 'our bytes', 'their bytes', 'bytes', 'diff CPU', 'apply', 'worst', 'lost'],
    rows.map((row) => [
      row.peer,
      row.pairs,
      row.ourBytes,
      row.peerBytes,
      ratio(row.bytesRatio),
      ratio(row.diffRatio),
      ratio(row.applyRatio),
      `${row.worst.name} ${ratio(row.worst.bytesRatio)}`,
      row.lost.join(', ') || '-',
    ]),
  );
}
