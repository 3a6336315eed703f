import { breakEvenMbit } from '../break-even.js';
import type { PairResult, RebuildReport } from '../results.js';
import {
  commonPairs,
  coreCounts,
  describeConditions,
  ROUTE_TITLES,
  routesOf,
  sumPhases,
  sumRoutes,
} from '../totals.js';
import { escapeHtml, htmlTable } from './html.js';
import { savingsPlot } from './savings-plot.js';
import { STYLE } from './style.js';
import { timePlot } from './time-plot.js';

/** The report as one HTML page that needs nothing else: style, script and plots are in it. */
export function toPage(report: RebuildReport): string {
  const { pairs } = report;
  return [
    '<!doctype html>',
    '<html lang="en"><head><meta charset="utf-8">',
    '<meta name="viewport" content="width=device-width, initial-scale=1">',
    '<title>debshoal: rebuilding beside downloading</title>',
    `<style>${STYLE}</style></head><body>`,
    '<h1>Rebuilding beside downloading</h1>',
    `<p class="conditions">${escapeHtml(describeConditions(report))}</p>`,
    '<h2>Targets</h2>',
    targets(report),
    ...(pairs.length === 0 ? [] : plots(pairs)),
    `<script>${SCRIPT}</script></body></html>\n`,
  ].join('\n');
}

/** An option of the choice of pairs that is no pair's name. */
const WHOLE_SET = '';

function plots(pairs: readonly PairResult[]): string[] {
  const routes = routesOf(pairs);
  const common = commonPairs(pairs, routes);
  const cores = coreCounts(pairs);
  const views = [
    { value: WHOLE_SET, title: `all ${common.length} pairs`, shown: common },
    ...common.map((pair) => ({ value: pair.name, title: pair.name, shown: [pair] })),
  ];
  const times = views.flatMap(({ value, title, shown }, view) =>
    cores.map((count) =>
      figure(
        { pair: value, cores: count },
        `Time until the new .debs are there: ${title}, ${coresTitle(count)}`,
        timePlot(sumRoutes(shown, routes, count), `time-${view}-${count}`),
      ),
    ),
  );
  const savings = cores.map((count) =>
    figure(
      { cores: count },
      `Bytes saved over seconds spent: each pair, ${coresTitle(count)}`,
      savingsPlot(pairs, routes, count, `savings-${count}`),
    ),
  );
  return [
    '<h2>Total time over link speed</h2>',
    '<p>Download of the bytes of a route, then rebuilding; a dot is where a route takes as long as the full download. Seconds are CPU seconds on one core, wall-clock seconds on two.</p>',
    choices(views, cores),
    ...times,
    '<h2>Bytes saved against seconds spent</h2>',
    '<p>Above the line of a link a route is quicker there than the full download.</p>',
    ...savings,
    '<h2>Totals</h2>',
    totals(common),
    '<h2>Where the time goes</h2>',
    '<p>Wall-clock seconds of all these pairs by phase, as far as a program tells them.</p>',
    phases(common),
  ];
}

function coresTitle(count: string): string {
  return count === '1' ? 'one core' : `${count} cores`;
}

function figure(
  data: { readonly pair?: string; readonly cores: string },
  caption: string,
  content: string,
): string {
  const pair = data.pair === undefined ? '' : ` data-pair="${escapeHtml(data.pair)}"`;
  return `<figure data-cores="${data.cores}"${pair}><figcaption>${escapeHtml(caption)}</figcaption>\n${content}</figure>`;
}

function choices(
  views: readonly { readonly value: string; readonly title: string }[],
  cores: readonly string[],
): string {
  const option = (value: string, title: string): string =>
    `<option value="${escapeHtml(value)}">${escapeHtml(title)}</option>`;
  return [
    '<div class="choices">',
    `<label>Pair <select id="pair">${views.map(({ value, title }) => option(value, title)).join('')}</select></label>`,
    `<label>Cores <select id="cores">${cores.map((count) => option(count, coresTitle(count))).join('')}</select></label>`,
    '</div>',
  ].join('\n');
}

/** Shows what is chosen; without scripts everything is shown. */
const SCRIPT = `
const choices = ['pair', 'cores'].map((id) => document.getElementById(id)).filter((select) => select);
const show = () => {
  for (const figure of document.querySelectorAll('figure')) {
    figure.hidden = choices.some(({ id, value }) => (figure.dataset[id] ?? value) !== value);
  }
};
for (const select of choices) select.addEventListener('change', show);
show();
`;

function targets({ targets: all }: RebuildReport): string {
  return htmlTable(
    ['target', 'wanted', 'found', 'met'],
    all.map(({ name, wanted, found, isMet }) => ({
      cells: [name, wanted, found ?? 'not measured', isMet === null ? '–' : isMet ? 'yes' : 'no'],
      className: isMet === null ? '' : isMet ? 'met' : 'missed',
    })),
  );
}

function phases(pairs: readonly PairResult[]): string {
  const rows = coreCounts(pairs).flatMap((cores) =>
    routesOf(pairs).map((route) => ({ route, cores, sums: sumPhases(pairs, route, cores) })),
  );
  const names = [...new Set(rows.flatMap(({ sums }) => Object.keys(sums)))];
  return htmlTable(
    ['route', 'cores', ...names],
    rows
      .filter(({ sums }) => Object.keys(sums).length > 0)
      .map(({ route, cores, sums }) => {
        const seconds = names.map((name) => sums[name]?.toFixed(2) ?? '–');
        return { cells: [ROUTE_TITLES[route], cores, ...seconds] };
      }),
  );
}

function totals(pairs: readonly PairResult[]): string {
  const routes = routesOf(pairs);
  const rows = coreCounts(pairs).flatMap((cores) => {
    const sums = sumRoutes(pairs, routes, cores);
    const full = sums[0]?.bytes ?? 0;
    return sums.map(({ route, bytes, seconds }) => {
      const evenAt = route === 'full' ? '–' : breakEvenMbit(full - bytes, seconds).toFixed(1);
      const amounts = [(bytes / 1e6).toFixed(2), seconds.toFixed(2), evenAt];
      return { cells: [ROUTE_TITLES[route], cores, String(pairs.length), ...amounts] };
    });
  });
  return htmlTable(['route', 'cores', 'pairs', 'MB', 'seconds', 'equals full at Mbit/s'], rows);
}
