/** One row, text or numbers as they shall be read. */
export type Cells = readonly (string | number)[];

export function table(header: Cells, rows: readonly Cells[]): string {
  const line = (cells: Cells): string => `| ${cells.join(' | ')} |`;
  return [line(header), line(header.map(() => '---')), ...rows.map(line)].join('\n');
}

/** Text of a program in a cell. */
export function oneCell(text: string): string {
  return text.replaceAll(/\s+/g, ' ').replaceAll('|', '\\|').slice(0, 200);
}

export const seconds = (value: number | null): string => value?.toFixed(2) ?? '-';
export const megabytes = (bytes: number): string => (bytes / 1e6).toFixed(0);
export const ratio = (value: number | null): string => value?.toFixed(3) ?? '-';
