import { open, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';

import { DebshoalError } from '../errors.js';
import { readExactly } from '../io/files.js';
import { writeExactly } from '../io/write-exactly.js';
import { lastAtOrBefore } from '../last-at-or-before.js';
import { LIMITS } from '../limits.js';
import { unfoldOld } from '../nested/unfold.js';
import { MAX_SPACE } from './matches.js';
import type { CheckedOldPackage } from './old-package.js';
import type { Segment } from './space-table.js';

/** Old files stay in memory up to this sum: matches go to and fro between neighbours. */
const HELD_BYTES = 32 * 2 ** 20;

interface OpenSegment {
  readonly segment: Segment;
  readonly at: number;
  readonly length: number;
  /** Where an unfolded file was put; null for those that are read again. */
  readonly spilledAt: number | null;
}

/**
 * The old space while a delta is applied. Files are read and checked when they are first needed,
 * and those loaded first are forgotten beyond HELD_BYTES. Unfolded files have to be opened to
 * know their lengths, so their contents wait in a temporary file.
 */
export class OldSpace {
  readonly length: number;
  readonly #segments: readonly OpenSegment[];
  readonly #old: CheckedOldPackage;
  readonly #spill: FileHandle | null;
  readonly #held = new Map<number, Buffer>();
  #heldBytes = 0;
  #worked = 0;
  #computedMd5sums: Buffer | null = null;

  private constructor(
    segments: readonly OpenSegment[],
    old: CheckedOldPackage,
    spill: FileHandle | null,
  ) {
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
    const needsSpill = segments.some((segment) => segment.isUnfolded);
    const spill = needsSpill ? await open(join(folder, 'unfolded'), 'wx+') : null;
    try {
      const laidOut: OpenSegment[] = [];
      let at = 0;
      let spilledAt = 0;
      for (const segment of segments) {
        const { file, isUnfolded } = segment;
        if (file.member === 'computed') {
          laidOut.push({ segment, at, length: file.length, spilledAt: null });
          at += file.length;
        } else if (isUnfolded) {
          const content = await unfoldOld(await old.read(file));
          if (spill) await writeExactly(spill, content, spilledAt);
          laidOut.push({ segment, at, length: content.length, spilledAt });
          at += content.length;
          spilledAt += content.length;
        } else {
          const length = await old.size(file);
          laidOut.push({ segment, at, length, spilledAt: null });
          at += length;
        }
        if (at > MAX_SPACE) throw new DebshoalError('limit-exceeded', 'too many old bytes');
      }
      return new OldSpace(laidOut, old, spill);
    } catch (error) {
      await spill?.close();
      throw error;
    }
  }

  /** From now on the space has them; they come out of the new data.tar. */
  setComputedMd5sums(content: Buffer): void {
    this.#computedMd5sums = content;
  }

  /** Where a segment begins, and its length. */
  segment(index: number): { readonly at: number; readonly length: number } {
    const found = this.#segments[index];
    if (found === undefined) throw new DebshoalError('delta-damaged', 'an unknown old file');
    return found;
  }

  /** `copy`, if all the bytes are in memory: most matches are, and waiting costs more than copying. */
  copyHeld(at: number, length: number, target: Uint8Array, targetAt: number): boolean {
    if (length === 0) return true;
    const index = this.#find(at);
    const content = this.#held.get(index);
    const start = at - this.segment(index).at;
    if (content === undefined || start + length > content.length) return false;
    target.set(content.subarray(start, start + length), targetAt);
    return true;
  }

  /** Copies old bytes to `target`; the caller has checked that they are within the space. */
  async copy(at: number, length: number, target: Uint8Array, targetAt: number): Promise<void> {
    let from = at;
    let to = targetAt;
    const end = at + length;
    while (from < end) {
      const index = this.#find(from);
      const segment = this.segment(index);
      const content = this.#held.get(index) ?? (await this.#load(index));
      const start = from - segment.at;
      const count = Math.min(end - from, content.length - start);
      target.set(content.subarray(start, start + count), to);
      from += count;
      to += count;
    }
  }

  /** A stretch of one segment. */
  async slice(index: number, at: number, length: number | null): Promise<Buffer> {
    const content = this.#held.get(index) ?? (await this.#load(index));
    const end = length === null ? content.length : at + length;
    if (at > content.length || end > content.length) {
      throw new DebshoalError('delta-damaged', 'a stretch outside its old file');
    }
    // Whoever takes a slice looks at all of it.
    this.#work(end - at);
    return content.subarray(at, end);
  }

  async close(): Promise<void> {
    await this.#spill?.close();
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

  async #load(index: number): Promise<Buffer> {
    const found = this.#segments[index];
    if (found === undefined) throw new DebshoalError('delta-damaged', 'an unknown old file');
    this.#work(found.length);
    const content = await this.#read(found);
    if (content.length !== found.length) {
      throw new DebshoalError('source-changed', 'an old file changed while it was read');
    }
    for (const [other, { length }] of this.#held) {
      if (this.#heldBytes + content.length <= HELD_BYTES) break;
      this.#held.delete(other);
      this.#heldBytes -= length;
    }
    this.#held.set(index, content);
    this.#heldBytes += content.length;
    return content;
  }

  async #read({ segment, spilledAt, length }: OpenSegment): Promise<Buffer> {
    if (segment.file.member === 'computed') {
      if (this.#computedMd5sums) return this.#computedMd5sums;
      throw new DebshoalError('delta-damaged', 'md5sums are used before they can be computed');
    }
    if (spilledAt !== null && this.#spill) return readExactly(this.#spill, spilledAt, length);
    return this.#old.read(segment.file);
  }
}
