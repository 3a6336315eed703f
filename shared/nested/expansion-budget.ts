import { LIMITS } from '../limits.js';
import type { Inflated, InflateResult } from './inflate.js';

/** deflate's best: 258 bytes for two bits. */
const MAX_DEFLATE_RATIO = 1032;

/**
 * What one file may still expand to, all levels together. A stream that does not fit stays closed;
 * an attempt that failed costs what it may have expanded to, so that no file can make anyone
 * expand the same bomb a thousand times.
 */
export class ExpansionBudget {
  #bytes: number = LIMITS.nestedExpandedBytes;
  #streams: number = LIMITS.nestedStreams;

  get left(): number {
    return this.#bytes;
  }

  /** Takes one stream of `bytes`; false: it does not fit. */
  take(bytes: number): boolean {
    if (this.#streams === 0 || bytes > this.#bytes) return false;
    this.#streams--;
    this.#bytes -= bytes;
    return true;
  }

  /** An attempt of unknown size failed: nothing more is opened. */
  takeFailure(): void {
    this.#bytes = 0;
  }

  /** Opens a stream of at most `packedLength` packed bytes; null: damaged, or does not fit. */
  open(packedLength: number, inflate: (limit: number) => InflateResult): Inflated | null {
    if (this.#streams === 0) return null;
    const result = inflate(this.#bytes);
    if (typeof result === 'string') {
      this.#bytes = Math.max(0, this.#bytes - packedLength * MAX_DEFLATE_RATIO);
      return null;
    }
    return this.take(result.content.length) ? result : null;
  }
}
