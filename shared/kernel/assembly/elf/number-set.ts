import { reserve } from '../memory-stack';

/** A growing set of numbers below a bound that knows neighbours: levels of 64 bits a word. */
@unmanaged
export class NumberSet {
  level0: usize;
  level1: usize;
  level2: usize;
  level3: usize;
  level4: usize;

  add(number: u32): void {
    setBit(this.level0, number);
    setBit(this.level1, number >>> 6);
    setBit(this.level2, number >>> 12);
    setBit(this.level3, number >>> 18);
    setBit(this.level4, number >>> 24);
  }

  /** The largest member that is at most `number`, or -1. */
  atMost(number: u32): i32 {
    for (let level = 0; level < 5; level++) {
      const index = number >>> (6 * level);
      const bit = index & 63;
      // On the lowest level the number itself counts; above, its own word was searched already.
      const mask = level == 0 ? (<u64>-1) >> (63 - bit) : ((<u64>1) << bit) - 1;
      const bits = load<u64>(this.level(level) + (((<usize>index) >>> 6) << 3)) & mask;
      if (bits == 0) continue;
      let found = (index & ~(<u32>63)) | (63 - <u32>clz<u64>(bits));
      for (let below = level - 1; below >= 0; below--) {
        const word = load<u64>(this.level(below) + ((<usize>found) << 3));
        found = (found << 6) | (63 - <u32>clz<u64>(word));
      }
      return <i32>found;
    }
    return -1;
  }

  /** The smallest member above `number`, or -1. */
  above(number: u32): i32 {
    for (let level = 0; level < 5; level++) {
      const index = number >>> (6 * level);
      const bit = index & 63;
      const mask: u64 = bit == 63 ? 0 : (<u64>-1) << (bit + 1);
      const bits = load<u64>(this.level(level) + (((<usize>index) >>> 6) << 3)) & mask;
      if (bits == 0) continue;
      let found = (index & ~(<u32>63)) | (<u32>ctz<u64>(bits));
      for (let below = level - 1; below >= 0; below--) {
        const word = load<u64>(this.level(below) + ((<usize>found) << 3));
        found = (found << 6) | (<u32>ctz<u64>(word));
      }
      return <i32>found;
    }
    return -1;
  }

  private level(number: i32): usize {
    if (number == 0) return this.level0;
    if (number == 1) return this.level1;
    if (number == 2) return this.level2;
    return number == 3 ? this.level3 : this.level4;
  }
}

function setBit(level: usize, number: u32): void {
  const word = level + (((<usize>number) >>> 6) << 3);
  store<u64>(word, load<u64>(word) | ((<u64>1) << (number & 63)));
}

/** For numbers below `bound`, which is at most 2^30. */
export function newNumberSet(bound: u32): NumberSet {
  const set = changetype<NumberSet>(reserve(offsetof<NumberSet>()));
  set.level0 = zeroWords((bound >>> 6) + 1);
  set.level1 = zeroWords((bound >>> 12) + 1);
  set.level2 = zeroWords((bound >>> 18) + 1);
  set.level3 = zeroWords((bound >>> 24) + 1);
  set.level4 = zeroWords(1);
  return set;
}

function zeroWords(count: u32): usize {
  const words = reserve((<usize>count) << 3);
  memory.fill(words, 0, (<usize>count) << 3);
  return words;
}
