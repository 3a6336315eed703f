import { breakEvenMbit } from '../break-even.js';
import { measuredRoute, secondsSpent, type PairResult, type RouteName } from '../results.js';
import { ROUTE_TITLES } from '../totals.js';
import { openFrame, type Frame } from './frame.js';
import { escapeHtml } from './html.js';
import { logDomain } from './log-scale.js';

interface Point {
  readonly pair: string;
  readonly route: RouteName;
  readonly seconds: number;
  readonly savedMegabytes: number;
}

/** Links of these speeds are drawn: above its line a route is quicker than the full download. */
const LINKS_MBIT = [1, 10, 100, 1000];
/** What the kernel's clock of CPU time can tell from nothing. */
const LEAST_SECONDS = 0.01;

/** Bytes saved over seconds spent, a point for each pair and route. */
export function savingsPlot(
  pairs: readonly PairResult[],
  routes: readonly RouteName[],
  cores: string,
  id: string,
): string {
  const points = routes.flatMap((route) => pairs.flatMap((pair) => pointsOf(pair, route, cores)));
  const frame = openFrame(
    { title: 'spent on rebuilding (s)', domain: roomy(points.map(({ seconds }) => seconds)) },
    {
      title: 'saved of the download (MB)',
      domain: roomy(points.map(({ savedMegabytes }) => savedMegabytes)),
    },
    id,
  );
  const items = routes.map(
    (route) =>
      `<li><svg class="sample" viewBox="0 0 12 12">${shape(route, 6, 6)}</svg>${escapeHtml(ROUTE_TITLES[route])}</li>`,
  );
  const picture = frame.draw(
    [
      ...LINKS_MBIT.map((speed) => linkLine(frame, speed)),
      ...points.map((p) => dot(frame, p)),
    ].join('\n'),
    'bytes saved over seconds spent, by pair and route',
  );
  return `<ul class="legend">${items.join('')}</ul>\n${picture}`;
}

/** No point lies on the frame, where half of it would be cut off. */
function roomy(values: readonly number[]): [number, number] {
  return logDomain(values.flatMap((value) => [value / 1.2, value * 1.2]));
}

function pointsOf(pair: PairResult, route: RouteName, cores: string): Point[] {
  return measuredRoute(pair, route).flatMap(({ bytes, runs }) => {
    const run = runs[cores];
    const saved = (pair.newBytes ?? 0) - bytes;
    if (run === undefined || saved <= 0) return [];
    const seconds = Math.max(LEAST_SECONDS, secondsSpent(run, cores));
    return [{ pair: pair.name, route, seconds, savedMegabytes: saved / 1e6 }];
  });
}

function dot({ x, y }: Frame, { pair, route, seconds, savedMegabytes }: Point): string {
  const speed = breakEvenMbit(savedMegabytes * 1e6, seconds).toPrecision(3);
  const words = `${pair}, ${ROUTE_TITLES[route]}: ${savedMegabytes.toPrecision(3)} MB for ${seconds.toFixed(2)} s, ${speed} Mbit/s`;
  const title = `<title>${escapeHtml(words)}</title>`;
  return `<g>${shape(route, x.at(seconds), y.at(savedMegabytes))}${title}</g>`;
}

/** Routes differ by shape, too: not everybody sees the colours. */
function shape(route: RouteName, x: number, y: number): string {
  const [left, right, top, bottom] = [x - 5, x + 5, y - 5, y + 5].map((at) => at.toFixed(1));
  switch (route) {
    case 'exact':
      return `<path class="dot ${route}" d="M${left} ${top}H${right}V${bottom}H${left}Z"/>`;
    case 'expanded':
      return `<circle class="dot ${route}" cx="${x.toFixed(1)}" cy="${y.toFixed(1)}" r="5.5"/>`;
    case 'debdelta':
      return `<path class="dot ${route}" d="M${x.toFixed(1)} ${top}L${right} ${bottom}H${left}Z"/>`;
  }
}

/** All trades of bytes for seconds that come out even on a link, with its speed along the line. */
function linkLine({ x, y }: Frame, speed: number): string {
  const savedAt = (seconds: number): number => (speed * seconds) / 8;
  const end = Math.min(x.max, (y.max * 8) / speed);
  if (end <= x.min || savedAt(end) <= y.min) return '';
  const [x1, y1] = [x.at(x.min), y.at(savedAt(x.min))];
  const [x2, y2] = [x.at(end), y.at(savedAt(end))];
  const angle = (Math.atan2(y2 - y1, x2 - x1) * 180) / Math.PI;
  const points = `x1="${x1.toFixed(1)}" y1="${y1.toFixed(1)}" x2="${x2.toFixed(1)}" y2="${y2.toFixed(1)}"`;
  const along = `translate(${x2.toFixed(1)} ${y2.toFixed(1)}) rotate(${angle.toFixed(2)})`;
  return `<line class="link" ${points}/><text class="link-label" transform="${along}" x="-22" y="-6" text-anchor="end">${speed} Mbit/s</text>`;
}
