/** Bytes for people, e.g. `1.4 MB` (powers of 1000, as apt prints them). */
export function formatBytes(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  let value = bytes;
  let unit = 0;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000;
    unit++;
  }
  return `${unit === 0 || value >= 100 ? value.toFixed(0) : value.toFixed(1)} ${units[unit] ?? ''}`;
}

/** Seconds for people, e.g. `0.35 s`. */
export function formatSeconds(seconds: number): string {
  return `${seconds >= 100 ? seconds.toFixed(0) : seconds.toFixed(2)} s`;
}

export function formatPercent(part: number, whole: number): string {
  return whole === 0 ? '-' : `${((part / whole) * 100).toFixed(1)} %`;
}

/** A table of aligned columns: text to the left, columns of nothing but amounts to the right. */
export function formatTable(
  header: readonly string[],
  rows: readonly (readonly string[])[],
): string {
  const columns = header.map((title, index) => {
    const cells = rows.map((row) => row[index] ?? '');
    const width = Math.max(title.length, ...cells.map((cell) => cell.length));
    return { width, isAmount: cells.every((cell) => AMOUNT.test(cell)) };
  });
  const line = (row: readonly string[]): string =>
    columns
      .map(({ width, isAmount }, index) => {
        const cell = row[index] ?? '';
        return isAmount ? cell.padStart(width) : cell.padEnd(width);
      })
      .join('  ')
      .trimEnd();
  const rule = columns.map(({ width }) => '─'.repeat(width));
  return [header, rule, ...rows].map(line).join('\n');
}

/** A number with or without a unit, or a dash where there is none. */
const AMOUNT = /^(-|[0-9.]+( [a-zA-Z%]+)?)$/;
