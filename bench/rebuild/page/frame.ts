import { escapeHtml } from './html.js';
import { isDecade, logScale, logTicks, tickLabel, type LogScale } from './log-scale.js';

/** The area of a plot, in the pixels of its viewBox. */
const WIDTH = 860;
const HEIGHT = 470;
const LEFT = 76;
const RIGHT = 20;
const TOP = 14;
const BOTTOM = 56;

export interface Axis {
  /** With its unit. */
  readonly title: string;
  readonly domain: readonly [number, number];
}

/** What is drawn within the frame, clipped to it. */
export interface Frame {
  readonly x: LogScale;
  readonly y: LogScale;
  /** The whole picture around `content`; `description` is for those who cannot see it. */
  draw(content: string, description: string): string;
}

/** Two logarithmic axes with titles, ticks and grid lines. */
export function openFrame(xAxis: Axis, yAxis: Axis, id: string): Frame {
  const x = logScale(xAxis.domain, [LEFT, WIDTH - RIGHT]);
  const y = logScale(yAxis.domain, [HEIGHT - BOTTOM, TOP]);
  const middle = (LEFT + WIDTH - RIGHT) / 2;
  const centre = (TOP + HEIGHT - BOTTOM) / 2;
  const clip = `clip-${id}`;
  return {
    x,
    y,
    draw: (content, description) =>
      [
        `<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${escapeHtml(description)}">`,
        `<clipPath id="${clip}"><rect x="${LEFT}" y="${TOP}" width="${WIDTH - LEFT - RIGHT}" height="${HEIGHT - TOP - BOTTOM}"/></clipPath>`,
        ...ticksOf(x).map((tick) => verticalTick(x.at(tick), tick, isLabelled(x, tick))),
        ...ticksOf(y).map((tick) => horizontalTick(y.at(tick), tick, isLabelled(y, tick))),
        `<rect class="frame" x="${LEFT}" y="${TOP}" width="${WIDTH - LEFT - RIGHT}" height="${HEIGHT - TOP - BOTTOM}"/>`,
        `<g clip-path="url(#${clip})">`,
        content,
        '</g>',
        `<text class="title" x="${middle}" y="${HEIGHT - 12}" text-anchor="middle">${escapeHtml(xAxis.title)}</text>`,
        `<text class="title" transform="translate(18 ${centre}) rotate(-90)" text-anchor="middle">${escapeHtml(yAxis.title)}</text>`,
        '</svg>',
      ].join('\n'),
  };
}

function ticksOf({ min, max }: LogScale): number[] {
  return logTicks(min, max);
}

const MOST_LABELS = 10;

/** All ticks, or only powers of ten where there would be too many. */
function isLabelled(scale: LogScale, tick: number): boolean {
  return ticksOf(scale).length <= MOST_LABELS || isDecade(tick);
}

function verticalTick(x: number, tick: number, labelled: boolean): string {
  const at = x.toFixed(1);
  const label = `<text x="${at}" y="${HEIGHT - BOTTOM + 20}" text-anchor="middle">${tickLabel(tick)}</text>`;
  return `<line class="${gridClass(tick)}" x1="${at}" x2="${at}" y1="${TOP}" y2="${HEIGHT - BOTTOM}"/>${labelled ? label : ''}`;
}

function horizontalTick(y: number, tick: number, labelled: boolean): string {
  const at = y.toFixed(1);
  const label = `<text x="${LEFT - 8}" y="${(y + 4.5).toFixed(1)}" text-anchor="end">${tickLabel(tick)}</text>`;
  return `<line class="${gridClass(tick)}" x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${at}" y2="${at}"/>${labelled ? label : ''}`;
}

function gridClass(tick: number): string {
  return isDecade(tick) ? 'grid decade' : 'grid';
}
