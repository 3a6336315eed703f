/**
 * The index of the last item that starts at or before `offset`, by binary search in items sorted by
 * their start; 0 when all start behind it.
 */
export function lastAtOrBefore<Item>(
  sorted: readonly Item[],
  offset: number,
  startOf: (item: Item) => number,
): number {
  let low = 0;
  let high = sorted.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >>> 1;
    const item = sorted[middle];
    if (item !== undefined && startOf(item) <= offset) low = middle;
    else high = middle - 1;
  }
  return low;
}
