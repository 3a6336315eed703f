import { fitPrices, type Observation } from './fit.js';
import type { MeasuredWork } from './measure-work.js';

/** What a count takes at least, in nanoseconds, even where these pairs tell it from no other. */
const FLOORS = {
  /** Reading and MD5: half a gigabyte a second. */
  copiedBytes: 2,
  /** Looking for packed streams, and inflating them. */
  unfoldedBytes: 5,
  plainBytes: 2,
};

/** Nanoseconds for one of each count: what estimate-decoding.ts and estimate-compression.ts have. */
export interface FittedWork {
  readonly decode: Readonly<Record<string, number>>;
  readonly compress: Readonly<Record<string, number>>;
}

/** Fits the estimates to what was measured here; `base` is what every delta takes. */
export function fitWork(measured: readonly MeasuredWork[]): FittedWork {
  const decode = measured.map(({ workCounts, seconds }) => ({
    counts: { base: 1, ...workCounts.decode },
    seconds: seconds.decode,
  }));
  const compress = measured.flatMap(({ workCounts, seconds }) => {
    const isUsual = workCounts.compress.every(
      ({ recipe }) => recipe.kind === 'xz' && recipe.preset === 6 && !recipe.extreme,
    );
    return isUsual ? [{ counts: sumCounts(workCounts.compress), seconds: seconds.compress }] : [];
  });
  return { decode: inNanoseconds(decode, FLOORS), compress: inNanoseconds(compress, {}) };
}

function sumCounts(members: MeasuredWork['workCounts']['compress']): Observation['counts'] {
  const sum = { members: 0, tarBytes: 0, searchSteps: 0 };
  for (const one of members) {
    sum.members += one.members;
    sum.tarBytes += one.tarBytes;
    sum.searchSteps += one.searchSteps;
  }
  return sum;
}

function inNanoseconds(
  observations: readonly Observation[],
  floors: Readonly<Record<string, number>>,
): Record<string, number> {
  const inSeconds = Object.fromEntries(
    Object.entries(floors).map(([name, value]) => [name, value / 1e9]),
  );
  const prices = fitPrices(observations, inSeconds);
  return Object.fromEntries([...prices].map(([name, price]) => [name, round(price * 1e9)]));
}

function round(value: number): number {
  return Number(value.toPrecision(3));
}
