/** Text of anybody, such as the name of a package, in HTML or SVG, also within an attribute. */
export function escapeHtml(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll("'", '&#39;');
}

/** A table; the cells are text. */
export function htmlTable(
  header: readonly string[],
  rows: readonly { readonly cells: readonly string[]; readonly className?: string }[],
): string {
  const cellsOf = (cells: readonly string[], tag: 'td' | 'th'): string =>
    cells.map((cell) => `<${tag}>${escapeHtml(cell)}</${tag}>`).join('');
  const body = rows.map(
    ({ cells, className = '' }) => `<tr class="${className}">${cellsOf(cells, 'td')}</tr>`,
  );
  const head = `<thead><tr>${cellsOf(header, 'th')}</tr></thead>`;
  return `<div class="scroll"><table>${head}<tbody>${body.join('\n')}</tbody></table></div>`;
}
