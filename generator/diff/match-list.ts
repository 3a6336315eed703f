import type { Matches } from '../../shared/delta/matches.js';

const FIRST_CAPACITY = 1024;

/** Matches that grow, as columns: large packages have millions, too many for an object each. */
export class MatchList {
  #newAt = new Uint32Array(FIRST_CAPACITY);
  #oldAt = new Uint32Array(FIRST_CAPACITY);
  #length = new Uint32Array(FIRST_CAPACITY);
  #count = 0;

  add(newAt: number, oldAt: number, length: number): void {
    if (this.#count === this.#newAt.length) this.#reserve(2 * this.#count);
    this.#newAt[this.#count] = newAt;
    this.#oldAt[this.#count] = oldAt;
    this.#length[this.#count] = length;
    this.#count++;
  }

  /** Adds matches of a stretch that begins at `newBase`, from one that begins at `oldBase`. */
  addMoved({ newAt, oldAt, length }: Matches, newBase: number, oldBase: number): void {
    for (let i = 0; i < newAt.length; i++) {
      this.add((newAt[i] ?? 0) + newBase, (oldAt[i] ?? 0) + oldBase, length[i] ?? 0);
    }
  }

  /** The columns, cut to length; views, so that nothing may be added afterwards. */
  finish(): Matches {
    return {
      newAt: this.#newAt.subarray(0, this.#count),
      oldAt: this.#oldAt.subarray(0, this.#count),
      length: this.#length.subarray(0, this.#count),
    };
  }

  #reserve(capacity: number): void {
    const grow = (column: Uint32Array) => {
      const grown = new Uint32Array(capacity);
      grown.set(column);
      return grown;
    };
    this.#newAt = grow(this.#newAt);
    this.#oldAt = grow(this.#oldAt);
    this.#length = grow(this.#length);
  }
}
