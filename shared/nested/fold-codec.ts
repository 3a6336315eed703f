import { DebshoalError } from '../errors.js';
import { ByteReader, ByteWriter, unzigzag, zigzag } from '../io/byte-codec.js';
import { LIMITS } from '../limits.js';
import type { Fold } from './fold.js';
import { decodeNestedRecipe, encodeNestedRecipe, type NestedRecipe } from './nested-recipe.js';

/*
 * The folds of a sequence of files, in columns. Each column holds varints: 0 for the value before
 * it once more, else the value plus one; so that a package of documents costs a byte or two each
 * before compression. Recipes are numbered by their first use. What the packed length of a file
 * tells is not written: its last fold has the bytes behind it instead of its own packed length.
 * The unfolded length of that fold is written as the difference to what an expected length of the
 * whole content says: most documents of a new version are as long as they were.
 */

export const FOLD_COLUMNS = [
  /** For each file the number of its folds. */
  'counts',
  /** For each fold the number of its inner folds, depth first, as in all columns below. */
  'innerCounts',
  /** Bytes between the fold before (or the start of the parent) and this one. */
  'gaps',
  'lengths',
  /** Packed lengths; for the last fold of a file the bytes behind it. */
  'packedLengths',
  /** Numbers in the table. */
  'recipes',
  /** The recipes themselves, one after the other; the only column that is not of varints. */
  'table',
] as const;

export type FoldColumns = Readonly<Record<(typeof FOLD_COLUMNS)[number], Buffer>>;

/** What both sides know of a file without its folds. */
export interface FileLengths {
  /** Bytes of the file itself, all folds made. */
  readonly packedLength: number;
  /** Unfolded bytes of the file that it is likely to replace (that of the same path), if any. */
  readonly expectedLength?: number;
}

export interface FoldedFile extends FileLengths {
  readonly folds: readonly Fold[];
}

export function encodeFolds(files: readonly FoldedFile[]): FoldColumns {
  const counts = new ColumnWriter();
  const writer = new FoldWriter();
  for (const file of files) {
    counts.write(file.folds.length);
    writer.write(file.folds, file);
  }
  return { counts: counts.finish(), ...writer.finish() };
}

/**
 * Reads what `encodeFolds` wrote, file by file: each needs the lengths that the writer had. Fails
 * with `delta-damaged` when folds are inconsistent, with `limit-exceeded` when there are too many,
 * or too much is expanded.
 */
export class FoldDecoder {
  readonly #counts: ColumnReader;
  readonly #reader: FoldReader;

  constructor(columns: FoldColumns) {
    this.#counts = new ColumnReader(columns.counts);
    this.#reader = new FoldReader(columns);
  }

  next(file: FileLengths): Fold[] {
    const count = this.#counts.read(LIMITS.nestedFolds);
    return count === 0 ? [] : this.#reader.readFile(count, file);
  }

  expectEnd(): void {
    this.#counts.expectEnd();
    this.#reader.expectEnd();
  }
}

class FoldWriter {
  readonly #innerCounts = new ColumnWriter();
  readonly #gaps = new ColumnWriter();
  readonly #lengths = new ColumnWriter();
  readonly #packedLengths = new ColumnWriter();
  readonly #recipes = new ColumnWriter();
  readonly #table = new ByteWriter();
  readonly #numbers = new Map<string, number>();

  /** `file` is null for inner folds. */
  write(folds: readonly Fold[], file: FileLengths | null): void {
    let end = 0;
    let packedEnd = 0;
    for (const [i, fold] of folds.entries()) {
      const gap = fold.at - end;
      packedEnd += gap + fold.packedLength;
      end = fold.at + fold.length;
      this.#innerCounts.write(fold.inner.length);
      this.#gaps.write(gap);
      if (file !== null && i === folds.length - 1) {
        const behind = file.packedLength - packedEnd;
        this.#packedLengths.write(behind);
        this.#lengths.write(zigzag(fold.length - expectedLast(file, fold.at, behind)));
      } else {
        this.#packedLengths.write(fold.packedLength);
        this.#lengths.write(fold.length);
      }
      this.#recipes.write(this.#number(fold.recipe));
      this.write(fold.inner, null);
    }
  }

  finish(): Omit<FoldColumns, 'counts'> {
    return {
      innerCounts: this.#innerCounts.finish(),
      gaps: this.#gaps.finish(),
      lengths: this.#lengths.finish(),
      packedLengths: this.#packedLengths.finish(),
      recipes: this.#recipes.finish(),
      table: this.#table.finish(),
    };
  }

  #number(recipe: NestedRecipe): number {
    const out = new ByteWriter();
    encodeNestedRecipe(recipe, out);
    const bytes = out.finish();
    const key = bytes.toString('latin1');
    const known = this.#numbers.get(key);
    if (known !== undefined) return known;
    this.#table.bytes(bytes);
    this.#numbers.set(key, this.#numbers.size);
    return this.#numbers.size - 1;
  }
}

class FoldReader {
  readonly #columns: Record<
    'innerCounts' | 'gaps' | 'lengths' | 'packedLengths' | 'recipes',
    ColumnReader
  >;
  readonly #table: ByteReader;
  readonly #recipes: NestedRecipe[] = [];
  #foldsLeft: number = LIMITS.nestedFolds;
  #dictionariesLeft: number = LIMITS.foldDictionaryBytes;

  constructor(columns: FoldColumns) {
    this.#columns = {
      innerCounts: new ColumnReader(columns.innerCounts),
      gaps: new ColumnReader(columns.gaps),
      lengths: new ColumnReader(columns.lengths),
      packedLengths: new ColumnReader(columns.packedLengths),
      recipes: new ColumnReader(columns.recipes),
    };
    this.#table = new ByteReader(columns.table);
  }

  readFile(count: number, file: FileLengths): Fold[] {
    const { packedLength } = file;
    const folds = this.#read(count, 0, file);
    const expanded = folds.reduce((sum, fold) => sum + fold.length, 0);
    // A zip is one fold of all its bytes: what it holds besides its entries is not expanded.
    if (expanded > LIMITS.nestedExpandedBytes + packedLength) {
      throw new DebshoalError('limit-exceeded', `a file unfolds to ${expanded} bytes`);
    }
    return folds;
  }

  /** `file` is null for inner folds. */
  #read(count: number, depth: number, file: FileLengths | null): Fold[] {
    if (count > this.#foldsLeft) throw new DebshoalError('limit-exceeded', 'too many folds');
    if (depth >= LIMITS.nestedDepth) throw damaged('folds too deep');
    this.#foldsLeft -= count;
    const folds: Fold[] = [];
    let at = 0;
    let packedEnd = 0;
    for (let i = 0; i < count; i++) {
      const innerCount = this.#columns.innerCounts.read(LIMITS.nestedFolds);
      const gap = this.#columns.gaps.read(LIMITS.packageFileBytes);
      const writtenPacked = this.#columns.packedLengths.read(LIMITS.packageFileBytes);
      const writtenLength = this.#columns.lengths.read(2 * MAX_LENGTH);
      const recipe = this.#recipe(this.#columns.recipes.read(LIMITS.nestedRecipes));
      at += gap;
      packedEnd += gap;
      let packed = writtenPacked;
      let length = writtenLength;
      if (file !== null && i === count - 1) {
        packed = file.packedLength - packedEnd - writtenPacked;
        length = unzigzag(writtenLength) + expectedLast(file, at, writtenPacked);
      }
      packedEnd += packed;
      if (packed < 0 || (file !== null && packedEnd > file.packedLength)) {
        throw damaged('folds are longer than their file');
      }
      if (length < 0 || length > MAX_LENGTH) throw damaged('a fold of an impossible length');
      const inner = innerCount === 0 ? [] : this.#read(innerCount, depth + 1, null);
      const last = inner.at(-1);
      if (last !== undefined && last.at + last.length > length) {
        throw damaged('folds are longer than the fold around them');
      }
      folds.push({ at, length, packedLength: packed, recipe, inner });
      at += length;
    }
    return folds;
  }

  expectEnd(): void {
    for (const column of Object.values(this.#columns)) column.expectEnd();
    this.#table.expectEnd();
  }

  /** The table is in the order of first use: a number is known or the next one. */
  #recipe(number: number): NestedRecipe {
    if (number === this.#recipes.length) this.#recipes.push(decodeNestedRecipe(this.#table));
    const recipe = this.#recipes[number];
    if (recipe === undefined) throw damaged(`recipe ${number} of ${this.#recipes.length}`);
    if (recipe.kind === 'xz') this.#dictionariesLeft -= recipe.dictionaryBytes;
    if (this.#dictionariesLeft < 0) {
      throw new DebshoalError('limit-exceeded', 'packing the streams of this delta takes too long');
    }
    return recipe;
  }
}

/** A file in a stream of a file, each with all bytes that may be expanded. */
const MAX_LENGTH = LIMITS.madeFileBytes;

/** The length of the last fold of a file of the expected length. */
function expectedLast({ expectedLength }: FileLengths, at: number, behind: number): number {
  return Math.max(0, (expectedLength ?? 0) - at - behind);
}

class ColumnWriter {
  readonly #out = new ByteWriter();
  #last = 0;

  write(value: number): void {
    this.#out.varint(value === this.#last ? 0 : value + 1);
    this.#last = value;
  }

  finish(): Buffer {
    return this.#out.finish();
  }
}

class ColumnReader {
  readonly #input: ByteReader;
  #last = 0;

  constructor(bytes: Buffer) {
    this.#input = new ByteReader(bytes);
  }

  read(max: number): number {
    const written = this.#input.varint(max + 1);
    if (written > 0) this.#last = written - 1;
    if (this.#last > max) throw damaged('a number is out of range');
    return this.#last;
  }

  expectEnd(): void {
    this.#input.expectEnd();
  }
}

function damaged(what: string): DebshoalError {
  return new DebshoalError('delta-damaged', `folds: ${what}`);
}
