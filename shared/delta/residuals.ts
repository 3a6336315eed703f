import { DebshoalError } from '../errors.js';
import { ByteReader, ByteWriter } from '../io/byte-codec.js';
import type { Matches } from './matches.js';

/*
 * What prediction leaves over, split by meaning so that each stream has statistics of its own.
 * For each class of content:
 *
 *   gaps    varints: zeros before the next non-zero residual of a matched byte
 *   values  that residual, (new - predicted) mod 256
 *   extra   the bytes that no match covers
 *
 * Zeros after a class's last value are not sent.
 */

/** Kinds of content; `classifyElf` gives the first five. */
const CLASS_COUNT = 6;
/** Whatever is not ELF. */
const PLAIN_CLASS = 5;

/** Classes of consecutive stretches; the last end is the length of it all. */
export interface Classes {
  readonly ends: Uint32Array;
  readonly classes: Uint8Array;
}

export function plainClasses(length: number): Classes {
  return { ends: Uint32Array.of(length), classes: Uint8Array.of(PLAIN_CLASS) };
}

export interface ResidualStreams {
  readonly gaps: Buffer;
  readonly values: Buffer;
  readonly extra: Buffer;
}

/** Visits the stretches of one class that are matched, or not, all along. */
function forEachPiece(
  { newAt, length: lengths }: Matches,
  { ends, classes }: Classes,
  length: number,
  visit: (start: number, end: number, isMatched: boolean, ofClass: number) => void,
): void {
  let at = 0;
  let match = 0;
  let stretch = 0;
  while (at < length) {
    while ((ends[stretch] ?? Infinity) <= at) stretch++;
    const matchAt = newAt[match] ?? length;
    const isMatched = at >= matchAt;
    const matchEnd = isMatched ? matchAt + (lengths[match] ?? 0) : matchAt;
    const end = Math.min(matchEnd, ends[stretch] ?? length, length);
    if (end > at) visit(at, end, isMatched, classes[stretch] ?? PLAIN_CLASS);
    at = end;
    if (isMatched && at >= matchEnd) match++;
  }
}

/** Collects residuals of consecutive stretches of new bytes. */
export class ResidualWriter {
  readonly #gaps = Array.from({ length: CLASS_COUNT }, () => new ByteWriter());
  readonly #values = Array.from({ length: CLASS_COUNT }, () => new ByteWriter());
  readonly #extra = Array.from({ length: CLASS_COUNT }, () => new ByteWriter());
  readonly #zeros = new Array<number>(CLASS_COUNT).fill(0);

  add(residual: Uint8Array, matches: Matches, classes: Classes): void {
    forEachPiece(matches, classes, residual.length, (start, end, isMatched, ofClass) => {
      if (isMatched) this.#addMatched(residual, start, end, ofClass);
      else this.#extra[ofClass]?.bytes(residual.subarray(start, end));
    });
  }

  #addMatched(residual: Uint8Array, start: number, end: number, ofClass: number): void {
    const gaps = this.#gaps[ofClass];
    const values = this.#values[ofClass];
    if (!gaps || !values) throw new Error(`class ${ofClass}`);
    let zeros = this.#zeros[ofClass] ?? 0;
    for (let i = start; i < end; i++) {
      const value = residual[i] ?? 0;
      if (value === 0) zeros++;
      else {
        gaps.varint(zeros);
        values.byte(value);
        zeros = 0;
      }
    }
    this.#zeros[ofClass] = zeros;
  }

  /** By class. */
  finish(): ResidualStreams[] {
    return this.#gaps.map((gaps, ofClass) => ({
      gaps: gaps.finish(),
      values: this.#values[ofClass]?.finish() ?? Buffer.alloc(0),
      extra: this.#extra[ofClass]?.finish() ?? Buffer.alloc(0),
    }));
  }
}

/** One class's streams while they are read. */
class ClassReader {
  readonly #gaps: ByteReader;
  readonly #values: Buffer;
  readonly #extra: ByteReader;
  #valueAt = 0;
  /** Zeros before the next value; endless after the last. */
  #zeros = 0;

  constructor({ gaps, values, extra }: ResidualStreams) {
    this.#gaps = new ByteReader(gaps);
    this.#values = values;
    this.#extra = new ByteReader(extra);
    this.#readGap();
  }

  addMatched(target: Uint8Array, start: number, end: number): void {
    let at = start + this.#zeros;
    while (at < end) {
      target[at] = (target[at] ?? 0) + (this.#values[this.#valueAt++] ?? 0);
      this.#readGap();
      at += 1 + this.#zeros;
    }
    this.#zeros = at - end;
  }

  copyExtra(target: Uint8Array, start: number, end: number): void {
    target.set(this.#extra.bytes(end - start), start);
  }

  expectEnd(): void {
    this.#gaps.expectEnd();
    this.#extra.expectEnd();
    if (this.#valueAt < this.#values.length) throw damaged();
  }

  #readGap(): void {
    const hasValue = this.#valueAt < this.#values.length;
    if (hasValue !== this.#gaps.remaining > 0) throw damaged();
    this.#zeros = hasValue ? this.#gaps.varint(2 ** 40) : Infinity;
  }
}

/** The inverse of ResidualWriter. */
export class ResidualReader {
  readonly #classes: readonly ClassReader[];

  constructor(streams: readonly ResidualStreams[]) {
    this.#classes = streams.map((one) => new ClassReader(one));
  }

  /**
   * Adds residuals to the next stretch of new bytes: `target` holds predictions where there are
   * matches (zeros give the residual itself); the rest of it is overwritten with new bytes.
   */
  addTo(target: Uint8Array, matches: Matches, classes: Classes): void {
    forEachPiece(matches, classes, target.length, (start, end, isMatched, ofClass) => {
      const reader = this.#classes[ofClass];
      if (reader === undefined) throw damaged();
      if (isMatched) reader.addMatched(target, start, end);
      else reader.copyExtra(target, start, end);
    });
  }

  expectEnd(): void {
    for (const reader of this.#classes) reader.expectEnd();
  }
}

function damaged(): DebshoalError {
  return new DebshoalError('delta-damaged', 'residuals of another number than the files need');
}
