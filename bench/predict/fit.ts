/** One observation: counts by name, and what they took together. */
export interface Observation {
  readonly counts: Readonly<Record<string, number>>;
  readonly seconds: number;
}

const ROUNDS = 20_000;
/** Seconds below which an error is an error of the clock. */
const CLOCK = 0.02;

/**
 * Seconds for one of each count, none below its floor (0 by default), so that the squares of the relative errors are
 * least: by going down along one coordinate at a time, which for a dozen of them is enough.
 */
export function fitPrices(
  observations: readonly Observation[],
  floors: Readonly<Record<string, number>> = {},
): Map<string, number> {
  const names = [...new Set(observations.flatMap(({ counts }) => Object.keys(counts)))];
  const prices = names.map((name) => floors[name] ?? 0);
  const rows = observations.map(({ counts, seconds }) => {
    const weight = 1 / (seconds + CLOCK);
    const row = names.map((name) => (counts[name] ?? 0) * weight);
    const explained = row.reduce((sum, x, j) => sum + x * (prices[j] ?? 0), 0);
    return { row, left: seconds * weight - explained };
  });
  for (let round = 0; round < ROUNDS; round++) {
    for (const j of names.keys()) {
      let [along, square] = [0, 0];
      for (const { row, left } of rows) {
        const x = row[j] ?? 0;
        along += x * left;
        square += x * x;
      }
      if (square === 0) continue;
      const before = prices[j] ?? 0;
      const after = Math.max(floors[names[j] ?? ''] ?? 0, before + along / square);
      prices[j] = after;
      for (const one of rows) one.left -= (after - before) * (one.row[j] ?? 0);
    }
  }
  return new Map(names.map((name, j) => [name, prices[j] ?? 0]));
}
