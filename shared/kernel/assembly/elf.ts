/** Bytes of memory for the caller to fill; all of it goes with the instance. */
export function allocate(length: usize): usize {
  return heap.alloc(length);
}
