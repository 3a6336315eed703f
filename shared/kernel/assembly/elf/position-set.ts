import { reserve } from '../memory-stack';

/** A set of positions as bits; once sealed, each member has a number in ascending order. */
@unmanaged
export class PositionSet {
  words: usize;
  wordCount: u32;
  memberCount: u32;
  ranks: usize;

  add(position: u32): void {
    const word = this.words + (((<usize>position) >>> 6) << 3);
    store<u64>(word, load<u64>(word) | ((<u64>1) << (position & 63)));
  }

  has(position: u32): bool {
    const word = load<u64>(this.words + (((<usize>position) >>> 6) << 3));
    return ((word >> (position & 63)) & 1) != 0;
  }

  /** Numbers the members; nothing may be added afterwards. */
  seal(): void {
    this.ranks = reserve((<usize>this.wordCount + 1) << 2);
    let rank: u32 = 0;
    for (let word: usize = 0; word < this.wordCount; word++) {
      store<u32>(this.ranks + (word << 2), rank);
      rank += <u32>popcnt<u64>(load<u64>(this.words + (word << 3)));
    }
    this.memberCount = rank;
  }

  /** Number of a member. */
  rank(position: u32): u32 {
    const word = (<usize>position) >>> 6;
    const below = load<u64>(this.words + (word << 3)) & (((<u64>1) << (position & 63)) - 1);
    return load<u32>(this.ranks + (word << 2)) + <u32>popcnt<u64>(below);
  }

  /** The first member at or after `position`, or `limit`. */
  next(position: u32, limit: u32): u32 {
    if (position >= limit) return limit;
    let word = position >>> 6;
    let bits = load<u64>(this.words + ((<usize>word) << 3)) & ((<u64>-1) << (position & 63));
    while (bits == 0) {
      word++;
      if (word >= this.wordCount) return limit;
      bits = load<u64>(this.words + ((<usize>word) << 3));
    }
    return min<u32>((word << 6) + <u32>ctz<u64>(bits), limit);
  }
}

export function newPositionSet(positions: u32): PositionSet {
  const set = changetype<PositionSet>(reserve(offsetof<PositionSet>()));
  set.wordCount = (positions >>> 6) + 1;
  set.words = reserve((<usize>set.wordCount) << 3);
  memory.fill(set.words, 0, (<usize>set.wordCount) << 3);
  set.memberCount = 0;
  set.ranks = 0;
  return set;
}
