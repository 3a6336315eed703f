import { formatBytes, formatSeconds } from '../../../shared/cli/format.js';
import { breakEvenMbit, secondsOver } from '../break-even.js';
import { ROUTE_TITLES, type RouteSum } from '../totals.js';
import { openFrame } from './frame.js';
import { escapeHtml } from './html.js';
import { logDomain } from './log-scale.js';

/** From a bad mobile link to a fast line, in Mbit/s. */
const SLOWEST = 1;
const FASTEST = 1000;
const STEPS = 60;

/** Seconds until everything is there over the speed of the link, a line for each route. */
export function timePlot(sums: readonly RouteSum[], id: string): string {
  const curves = sums.map((sum) => ({ sum, points: curveOf(sum) }));
  const y = logDomain(curves.flatMap(({ points }) => points.map(([, seconds]) => seconds)));
  const frame = openFrame(
    { title: 'speed of the link (Mbit/s)', domain: [SLOWEST, FASTEST] },
    { title: 'download and rebuilding (s)', domain: y },
    id,
  );
  const full = sums.find(({ route }) => route === 'full');
  const lines = curves.map(({ sum, points }) => {
    const path = points
      .map(
        ([speed, seconds]) => `${frame.x.at(speed).toFixed(1)},${frame.y.at(seconds).toFixed(1)}`,
      )
      .join(' ');
    return `<polyline class="line ${sum.route}" points="${path}"/>`;
  });
  const crossings = sums.flatMap((sum) => {
    const speed = full === undefined || sum === full ? 0 : evenAt(full, sum);
    if (speed < SLOWEST || speed > FASTEST) return [];
    const [cx, cy] = [frame.x.at(speed), frame.y.at(secondsOver(speed, sum.bytes, sum.seconds))];
    return [
      `<circle class="mark ${sum.route}" cx="${cx.toFixed(1)}" cy="${cy.toFixed(1)}" r="5"/>`,
    ];
  });
  const picture = frame.draw(
    [...lines, ...crossings].join('\n'),
    'time until everything is there over the speed of the link, by route',
  );
  return `${legend(sums, full)}\n${picture}`;
}

function curveOf({ bytes, seconds }: RouteSum): [number, number][] {
  return Array.from({ length: STEPS + 1 }, (_, step) => {
    const speed = SLOWEST * (FASTEST / SLOWEST) ** (step / STEPS);
    return [speed, secondsOver(speed, bytes, seconds)];
  });
}

function evenAt(full: RouteSum, { bytes, seconds }: RouteSum): number {
  return breakEvenMbit(full.bytes - bytes, seconds);
}

function legend(sums: readonly RouteSum[], full: RouteSum | undefined): string {
  const items = sums.map((sum) => {
    const speed = full === undefined || sum === full ? null : evenAt(full, sum);
    const spent = sum === full ? '' : `, ${formatSeconds(sum.seconds)}`;
    const amounts = `${formatBytes(sum.bytes)}${spent}`;
    const even = speed === null ? '' : `; quicker than the full download up to ${mbit(speed)}`;
    return legendItem(sum.route, `${ROUTE_TITLES[sum.route]}: ${amounts}${even}`);
  });
  return `<ul class="legend">${items.join('')}</ul>`;
}

/** A sample of a route's line, and what it is. */
function legendItem(route: RouteSum['route'], text: string): string {
  return `<li><svg class="sample" viewBox="0 0 34 12"><line class="line ${route}" x1="1" x2="33" y1="6" y2="6"/></svg>${escapeHtml(text)}</li>`;
}

function mbit(speed: number): string {
  if (speed === 0) return 'none';
  return Number.isFinite(speed) ? `${speed.toPrecision(3)} Mbit/s` : 'any speed';
}
