import { DebshoalError } from '../errors.js';
import { classifyElf } from '../elf/classify-elf.js';
import { readPairTables } from '../elf/layout.js';
import { ElfRestorer } from '../elf/restore-elf.js';
import { matchesWithin, type Matches } from './matches.js';
import type { OldSpace } from './old-space.js';
import { plainClasses, type ResidualReader } from './residuals.js';
import type { ElfPair } from './space-table.js';

/** Makes the unfolded contents of the made files, one after the other. */
export class NewSpace {
  readonly #old: OldSpace;
  readonly #matches: Matches;
  readonly #elfPairs: readonly ElfPair[];
  readonly #layouts: Buffer;
  readonly #residuals: ResidualReader;
  readonly #restorer = new ElfRestorer();
  readonly #matchCursor = { at: 0 };
  #at = 0;
  #madeFiles = 0;
  #nextPair = 0;
  #layoutAt = 0;

  constructor(
    old: OldSpace,
    matches: Matches,
    elf: { readonly pairs: readonly ElfPair[]; readonly layouts: Buffer },
    residuals: ResidualReader,
  ) {
    this.#old = old;
    this.#matches = matches;
    this.#elfPairs = elf.pairs;
    this.#layouts = elf.layouts;
    this.#residuals = residuals;
  }

  /** The content of the next made file, `length` bytes. */
  async next(length: number): Promise<Buffer> {
    const content = Buffer.alloc(length);
    const file = this.#madeFiles++;
    let at = 0;
    for (;;) {
      const pair = this.#elfPairs[this.#nextPair];
      if (pair?.madeFile !== file) break;
      this.#nextPair++;
      const end = pair.length === null ? length : pair.at + pair.length;
      if (pair.at < at || end > length) throw damaged('an ELF file outside its file');
      await this.#makePlain(content.subarray(at, pair.at));
      await this.#makeElf(pair, content.subarray(pair.at, end));
      at = end;
    }
    await this.#makePlain(content.subarray(at));
    return content;
  }

  async #makePlain(target: Buffer): Promise<void> {
    if (target.length === 0) return;
    const matches = this.#take(target.length);
    for (let i = 0; i < matches.newAt.length; i++) {
      const [oldAt, length] = [matches.oldAt[i] ?? 0, matches.length[i] ?? 0];
      const newAt = matches.newAt[i] ?? 0;
      const done = this.#old.copyAtOnce(oldAt, length, target, newAt);
      if (done < length) {
        await this.#old.copy(oldAt + done, length - done, target, newAt + done);
      }
    }
    this.#residuals.addTo(target, matches, plainClasses(target.length));
  }

  async #makeElf(pair: ElfPair, target: Buffer): Promise<void> {
    const layoutEnd = this.#layoutAt + pair.layoutLength;
    if (layoutEnd > this.#layouts.length) throw damaged('layouts of ELF files end too early');
    const layout = this.#layouts.subarray(this.#layoutAt, layoutEnd);
    this.#layoutAt = layoutEnd;
    const { segment, oldAt, oldLength } = pair;
    const oldBytes = await this.#old.slice(segment, oldAt, oldLength, (length) =>
      this.#restorer.openOld(length),
    );
    const base = this.#old.segment(pair.segment).at + pair.oldAt;
    const absolute = this.#take(target.length);
    const matches = { ...absolute, oldAt: absolute.oldAt.map((at) => at - base) };
    for (let i = 0; i < matches.oldAt.length; i++) {
      // Below the base it wrapped around to a large number.
      if ((matches.oldAt[i] ?? 0) + (matches.length[i] ?? 0) > oldBytes.length) {
        throw damaged('a match outside its ELF file');
      }
    }
    const tables = readPairTables(oldBytes, layout, target.length);
    this.#residuals.addTo(target, matches, classifyElf(tables.table, target.length));
    this.#restorer.restore(tables, matches, target);
  }

  #take(length: number): Matches {
    const from = this.#at;
    this.#at += length;
    return matchesWithin(this.#matches, from, this.#at, this.#matchCursor);
  }

  /** Everything that the delta brought has been used. */
  expectEnd(): void {
    const isDone =
      this.#matchCursor.at === this.#matches.newAt.length &&
      this.#nextPair === this.#elfPairs.length &&
      this.#layoutAt === this.#layouts.length;
    if (!isDone) throw damaged('more matches than files');
    this.#residuals.expectEnd();
  }
}

function damaged(what: string): DebshoalError {
  return new DebshoalError('delta-damaged', what);
}
