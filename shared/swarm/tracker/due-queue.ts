export interface Due {
  /** `performance.now()` at which it is to be done. */
  dueAt: number;
}

/** What is due next, first. */
export interface DueQueue<T extends Due> {
  readonly push: (item: T) => void;
  readonly first: () => T | undefined;
  readonly shift: () => T | undefined;
}

/** A binary heap: with 50,000 torrents, looking through all of them for each one took all the time. */
export function openDueQueue<T extends Due>(): DueQueue<T> {
  const heap: T[] = [];
  const dueAt = (index: number): number => heap[index]?.dueAt ?? Infinity;
  const swap = (a: number, b: number): void => {
    const [first, second] = [heap[a], heap[b]];
    if (first === undefined || second === undefined) return;
    heap[a] = second;
    heap[b] = first;
  };
  return {
    first: () => heap[0],
    push: (item) => {
      heap.push(item);
      for (let index = heap.length - 1; index > 0;) {
        const parent = (index - 1) >> 1;
        if (dueAt(parent) <= dueAt(index)) return;
        swap(parent, index);
        index = parent;
      }
    },
    shift: () => {
      swap(0, heap.length - 1);
      const first = heap.pop();
      for (let index = 0; ;) {
        const left = 2 * index + 1;
        const child = dueAt(left + 1) < dueAt(left) ? left + 1 : left;
        if (dueAt(child) >= dueAt(index)) return first;
        swap(child, index);
        index = child;
      }
    },
  };
}
