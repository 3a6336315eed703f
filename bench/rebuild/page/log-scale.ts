/** From values above 0 to pixels, equal factors to equal distances. */
export interface LogScale {
  readonly min: number;
  readonly max: number;
  at(value: number): number;
}

export function logScale(
  [min, max]: readonly [number, number],
  [from, to]: readonly [number, number],
): LogScale {
  const span = Math.log(max / min);
  return { min, max, at: (value) => from + (Math.log(value / min) / span) * (to - from) };
}

const STEPS = [1, 2, 5];

/** The next ticks around all values: 1, 2 or 5 times a power of ten, never both the same. */
export function logDomain(values: readonly number[]): [number, number] {
  const [least, most] = [Math.min(...values), Math.max(...values)];
  // Also without any value, when the least is Infinity.
  if (!(least > 0 && least < Infinity && most < Infinity)) return [1, 10];
  const ticks = logTicks(least / 10, most * 10);
  // A value that is a tick but for rounding is on it.
  const min = ticks.filter((tick) => tick <= least * (1 + ROUNDING)).at(-1) ?? least;
  const max = ticks.find((tick) => tick >= most * (1 - ROUNDING)) ?? most;
  return max > min ? [min, max] : [min, min * 10];
}

/** All of 1, 2 and 5 times a power of ten from `min` to `max`. */
export function logTicks(min: number, max: number): number[] {
  const ticks: number[] = [];
  const last = Math.ceil(Math.log10(max));
  for (let power = Math.floor(Math.log10(min)); power <= last; power++) {
    for (const step of STEPS) {
      // Through text, so that it is the number that is written.
      const tick = Number(`${step}e${power}`);
      if (tick >= min * (1 - ROUNDING) && tick <= max * (1 + ROUNDING)) ticks.push(tick);
    }
  }
  return ticks;
}

const ROUNDING = 1e-9;

/** Whether a tick is a power of ten. */
export function isDecade(tick: number): boolean {
  return /^1(e[+-]?\d+)?$/.test(tick.toExponential().replace(/^1e.*$/, '1'));
}

/** A tick for people: `0.02`, `500`, `20,000`. */
export function tickLabel(tick: number): string {
  return tick.toLocaleString('en', { maximumSignificantDigits: 1 });
}
