import { join } from 'node:path';

import { DebshoalError } from '../errors.js';
import { lastAtOrBefore } from '../last-at-or-before.js';
import { LIMITS } from '../limits.js';
import { unfoldOld } from '../nested/unfold.js';
import { MAX_SPACE } from './matches.js';
import type { Allocate, CheckedOldPackage } from './old-package.js';
import type { Segment } from './space-table.js';
import { SpillFile } from './spill-file.js';

/** Old bytes that stay in memory: matches go to and fro between neighbours. */
const HELD_BYTES = 32 * 2 ** 20;

/** What is read from the spill file at a time: matches that go to and fro pay for all of it. */
const PIECE_BYTES = 16 * 2 ** 10;

/** What predicting an ELF file from an old byte takes, in bytes that are read. */
const SLICE_WORK = 8;

interface OpenSegment {
  readonly segment: Segment;
  readonly at: number;
  readonly length: number;
  /** Where its bytes are: in their own file, held as one piece, or in the spill file. */
  place: 'file' | 'held' | 'spill';
}

/**
 * The old space while a delta is applied. Files are read and checked when they are first needed.
 * If all of them fit into HELD_BYTES they stay in memory; else they go to a temporary file, at their
 * place in the space, and pieces of that are held: reading a large file again for each match that
 * leads to it would be the work of hours. Unfolded files have to be opened to know their lengths,
 * and wait in the same file.
 */
export class OldSpace {
  readonly length: number;
  readonly #segments: readonly OpenSegment[];
  readonly #old: CheckedOldPackage;
  readonly #spill: SpillFile;
  /** By where they begin in the space; the first is the oldest. */
  readonly #held = new Map<number, Buffer>();
  #heldBytes = 0;
  #worked = 0;
  #computedMd5sums: Buffer | null = null;

  private constructor(segments: readonly OpenSegment[], old: CheckedOldPackage, spill: SpillFile) {
    const last = segments.at(-1);
    this.length = last ? last.at + last.length : 0;
    this.#segments = segments;
    this.#old = old;
    this.#spill = spill;
  }

  /**
   * Lays out the segments, with temporary files in `folder`; the caller closes the space.
   */
  static async open(
    segments: readonly Segment[],
    old: CheckedOldPackage,
    folder: string,
  ): Promise<OldSpace> {
    const spill = new SpillFile(join(folder, 'old-files'));
    try {
      const laidOut: OpenSegment[] = [];
      let at = 0;
      for (const segment of segments) {
        const { file, isUnfolded } = segment;
        let length: number;
        if (file.member === 'computed') length = file.length;
        else if (isUnfolded) {
          const content = await unfoldOld(await old.read(file));
          await spill.write(content, at);
          length = content.length;
        } else length = await old.size(file);
        laidOut.push({ segment, at, length, place: isUnfolded ? 'spill' : 'file' });
        at += length;
        if (at > MAX_SPACE) throw new DebshoalError('limit-exceeded', 'too many old bytes');
      }
      return new OldSpace(laidOut, old, spill);
    } catch (error) {
      await spill.close();
      throw error;
    }
  }

  /** From now on the space has them; they come out of the new data.tar. */
  setComputedMd5sums(content: Buffer): void {
    this.#computedMd5sums = content;
  }

  /** Where a segment begins, and its length. */
  segment(index: number): { readonly at: number; readonly length: number } {
    return this.#open(index);
  }

  /**
   * `copy` until it has to wait for a file; how many bytes it copied. Most matches need not wait,
   * and waiting costs more than copying.
   */
  copyAtOnce(at: number, length: number, target: Uint8Array, targetAt: number): number {
    let done = 0;
    while (done < length) {
      const from = at + done;
      const segment = this.#open(this.#find(from));
      if (segment.place === 'file') break;
      const start = pieceStart(segment, from);
      const piece = this.#held.get(start) ?? this.#readPiece(segment, start);
      const end = Math.min(piece.length, from - start + length - done);
      target.set(piece.subarray(from - start, end), targetAt + done);
      done += end - (from - start);
    }
    return done;
  }

  /** Copies old bytes to `target`; the caller has checked that they are within the space. */
  async copy(at: number, length: number, target: Uint8Array, targetAt: number): Promise<void> {
    let done = 0;
    while (done < length) {
      await this.#load(this.#open(this.#find(at + done)));
      done += this.copyAtOnce(at + done, length - done, target, targetAt + done);
    }
  }

  /** A stretch of one segment, for prediction, in a buffer of `allocate`. */
  async slice(
    index: number,
    at: number,
    length: number | null,
    allocate: Allocate,
  ): Promise<Buffer> {
    const segment = this.#open(index);
    const end = length === null ? segment.length : at + length;
    if (at > segment.length || end > segment.length) {
      throw new DebshoalError('delta-damaged', 'a stretch outside its old file');
    }
    this.#work(SLICE_WORK * (end - at));
    // Most ELF files are used once and as a whole: no use to put them anywhere.
    if (segment.place === 'file' && end - at === segment.length) {
      const given = new Set<Buffer>();
      const content = await this.#read(segment, (bytes) => {
        const buffer = allocate(bytes);
        given.add(buffer);
        return buffer;
      });
      return given.has(content) ? content : copyTo(allocate, content);
    }
    await this.#load(segment);
    const held = segment.place === 'held' ? this.#held.get(segment.at) : undefined;
    if (held !== undefined) return copyTo(allocate, held.subarray(at, end));
    return this.#spill.read(segment.at + at, end - at, allocate(end - at));
  }

  async close(): Promise<void> {
    await this.#spill.close();
  }

  /** A small delta could ask for the same large files over and over. */
  #work(bytes: number): void {
    this.#worked += bytes;
    if (this.#worked > LIMITS.deltaWorkBytes) {
      throw new DebshoalError('limit-exceeded', 'applying this delta would take too long');
    }
  }

  #find(at: number): number {
    return lastAtOrBefore(this.#segments, at, (segment) => segment.at);
  }

  #open(index: number): OpenSegment {
    const found = this.#segments[index];
    if (found === undefined) throw new DebshoalError('delta-damaged', 'an unknown old file');
    return found;
  }

  /** Reads a file to where it stays. */
  async #load(segment: OpenSegment): Promise<void> {
    if (segment.place !== 'file') return;
    const content = await this.#read(segment);
    if (this.length <= HELD_BYTES) {
      this.#hold(segment.at, content);
      segment.place = 'held';
    } else {
      await this.#spill.write(content, segment.at);
      segment.place = 'spill';
    }
  }

  async #read({ segment, length }: OpenSegment, allocate?: Allocate): Promise<Buffer> {
    this.#work(length);
    const content =
      segment.file.member === 'computed'
        ? this.#computedMd5sums
        : await this.#old.read(segment.file, allocate);
    if (content === null) {
      throw new DebshoalError('delta-damaged', 'md5sums are used before they can be computed');
    }
    if (content.length !== length) {
      throw new DebshoalError('source-changed', 'an old file changed while it was read');
    }
    return content;
  }

  #readPiece({ at, length }: OpenSegment, start: number): Buffer {
    this.#work(PIECE_BYTES);
    const piece = this.#spill.read(start, Math.min(PIECE_BYTES, at + length - start));
    this.#hold(start, piece);
    return piece;
  }

  /** Forgets what was held longest; if all files fit, that never happens. */
  #hold(at: number, piece: Buffer): void {
    for (const [other, { length }] of this.#held) {
      if (this.#heldBytes + piece.length <= HELD_BYTES) break;
      this.#held.delete(other);
      this.#heldBytes -= length;
    }
    this.#held.set(at, piece);
    this.#heldBytes += piece.length;
  }
}

function copyTo(allocate: Allocate, content: Buffer): Buffer {
  const copy = allocate(content.length);
  content.copy(copy);
  return copy;
}

/** Where the piece with `at` begins. */
function pieceStart(segment: OpenSegment, at: number): number {
  return segment.place === 'held' ? segment.at : at - ((at - segment.at) % PIECE_BYTES);
}
