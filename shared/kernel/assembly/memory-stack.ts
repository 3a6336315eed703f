/**
 * Memory as one stack of blocks. The heap of the runtime gives blocks of at most 1 GiB and doubles
 * its memory when it grows; ours takes what is asked for, up to the 4 GiB that wasm32 can address.
 */

const PAGE: u64 = 0x10000;

const BOTTOM: usize = (__heap_base + 15) & ~15;

let top: usize = BOTTOM;

/** A block of so many bytes, of any content. Traps when memory cannot grow so far. */
export function reserve(bytes: u64): usize {
  const block = top;
  const end = (<u64>block + bytes + 15) & ~15;
  const pages = (end + PAGE - 1) / PAGE;
  // the last page stays unused, so that no position ends at 2^32, which is 0
  if (pages >= 0xffff) unreachable();
  const missing = <i32>pages - memory.size();
  if (missing > 0 && memory.grow(missing) < 0) unreachable();
  top = <usize>end;
  return block;
}

/** Gives back everything. */
export function releaseAll(): void {
  top = BOTTOM;
}

/** Gives back a block and all that were reserved after it. */
export function release(block: usize): void {
  top = block;
}
