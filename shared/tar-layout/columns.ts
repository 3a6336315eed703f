import { DebshoalError } from '../errors.js';
import { ByteReader, ByteWriter } from '../io/byte-codec.js';

/*
 * The streams of a tar layout: columns of numbers, one value an entry or fewer, and two of bytes.
 * Values are chosen so that what was expected is 0. Columns where it nearly always is hold pairs of
 * varints, (zeros before it, value), the others a varint for each value. Zeros at the end of a
 * column are not written: most columns of most packages are empty. FORMAT.md has their meaning.
 */

const SPARSE_COLUMNS = [
  'places',
  'names',
  'templates',
  'times',
  'links',
  'origins',
  'exceptions',
] as const;
const DENSE_COLUMNS = ['sizes', 'numbers'] as const;

type SparseColumn = (typeof SPARSE_COLUMNS)[number];
export type NumberColumn = SparseColumn | (typeof DENSE_COLUMNS)[number];
const NUMBER_COLUMNS: readonly NumberColumn[] = [...SPARSE_COLUMNS, ...DENSE_COLUMNS];

function isSparse(column: NumberColumn): boolean {
  return column !== 'sizes' && column !== 'numbers';
}

/** Names of all streams, in the order in which a container should keep them. */
export const TAR_STREAMS = [...NUMBER_COLUMNS, 'text', 'edits'] as const;

/** The layout of one or more tars, to be packed by entropy coders. Most streams are empty. */
export type TarStreams = Readonly<Record<(typeof TAR_STREAMS)[number], Uint8Array>>;

/** Collects the columns. One writer may take several tars, one after the other. */
export class ColumnWriter {
  readonly #numbers = new Map<NumberColumn, number[]>(NUMBER_COLUMNS.map((name) => [name, []]));
  readonly #text: Buffer[] = [];
  /** Replaced bytes of templates and headers; `edits.ts`. */
  readonly edits = new ByteWriter();

  put(column: NumberColumn, value: number): void {
    this.#numbers.get(column)?.push(value);
  }

  /** Bytes without NUL, one character each. */
  putText(text: string): void {
    this.#text.push(Buffer.from(`${text}\0`, 'latin1'));
  }

  finish(): TarStreams {
    return {
      places: this.#pack('places'),
      names: this.#pack('names'),
      templates: this.#pack('templates'),
      times: this.#pack('times'),
      links: this.#pack('links'),
      origins: this.#pack('origins'),
      sizes: this.#pack('sizes'),
      exceptions: this.#pack('exceptions'),
      numbers: this.#pack('numbers'),
      text: Buffer.concat(this.#text),
      edits: this.edits.finish(),
    };
  }

  #pack(column: NumberColumn): Buffer {
    const values = this.#numbers.get(column) ?? [];
    const writer = new ByteWriter();
    let zeros = 0;
    for (const value of values) {
      if (value === 0) zeros++;
      else {
        if (isSparse(column)) writer.varint(zeros);
        else for (; zeros > 0; zeros--) writer.varint(0);
        writer.varint(value);
        zeros = 0;
      }
    }
    return writer.finish();
  }
}

/** Reads what a ColumnWriter wrote; everything that it cannot have written is `delta-damaged`. */
export class ColumnReader {
  readonly #numbers: ReadonlyMap<NumberColumn, ByteReader>;
  /** Zeros that come before the next pair's value; missing where the next pair is yet to be read. */
  readonly #zeros = new Map<NumberColumn, number>();
  readonly #text: Buffer;
  #textAt = 0;
  readonly edits: ByteReader;

  constructor(streams: TarStreams) {
    for (const name of DENSE_COLUMNS) {
      if (streams[name].at(-1) === 0) throw damaged(`zeros at the end of ${name}`);
    }
    this.#numbers = new Map(NUMBER_COLUMNS.map((name) => [name, new ByteReader(streams[name])]));
    const { text } = streams;
    this.#text = Buffer.from(text.buffer, text.byteOffset, text.byteLength);
    this.edits = new ByteReader(streams.edits);
  }

  /** The next value, at most `max`; 0 after the end. */
  take(column: NumberColumn, max: number): number {
    const reader = this.#numbers.get(column);
    if (reader === undefined || reader.remaining === 0) return 0;
    if (!isSparse(column)) return reader.varint(max);
    const zeros = this.#zeros.get(column) ?? reader.varint(Number.MAX_SAFE_INTEGER);
    if (zeros > 0) this.#zeros.set(column, zeros - 1);
    else this.#zeros.delete(column);
    if (zeros > 0) return 0;
    const value = reader.varint(max);
    if (value === 0) throw damaged(`an unexpected zero in ${column}`);
    return value;
  }

  /** The next text of at most `maxLength` bytes. */
  takeText(maxLength: number): string {
    const end = this.#text.indexOf(0, this.#textAt);
    if (end === -1 || end - this.#textAt > maxLength) throw damaged('a text that is too long');
    const text = this.#text.toString('latin1', this.#textAt, end);
    this.#textAt = end + 1;
    return text;
  }

  /** After the last tar: nothing may be left over. */
  expectEnd(): void {
    for (const reader of this.#numbers.values()) reader.expectEnd();
    if (this.#zeros.size > 0) throw damaged('zeros before nothing');
    this.edits.expectEnd();
    if (this.#textAt !== this.#text.length) throw damaged('text that nobody reads');
  }
}

export function damaged(what: string): DebshoalError {
  return new DebshoalError('delta-damaged', `the layout of a tar is damaged: ${what}`);
}
