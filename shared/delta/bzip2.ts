import { DebshoalError } from '../errors.js';

/*
 * A bzip2 decoder for the three streams of a BSDIFF40 patch: patches are hostile until the rebuilt
 * .deb is verified, and nothing here can write outside its arrays. Block sums are not checked; the
 * delta's checksum and the hash of the target cover them.
 *
 * A stream: "BZh", level, blocks, end. A block: Huffman codes of a move-to-front list of the
 * Burrows-Wheeler transform of run-length coded bytes; undone here in that order.
 */

const BLOCK_MAGIC = 0x314159265359;
const END_MAGIC = 0x177245385090;
const BLOCK_UNIT = 100_000;
const GROUP_SYMBOLS = 50;
const MAX_CODE_LENGTH = 20;
const RUN_B = 1;
/** Most patches are small: a whole block's memory for each of thousands takes longer than they do. */
const FIRST_CHAIN = 4096;

/** Reads one bzip2 stream piece by piece; `delta-damaged` for what is not one. */
export class Bzip2Reader {
  readonly #bits: BitReader;
  readonly #blockMax: number;
  /** The inverse transform of the current block: each entry is a byte and the next entry's index. */
  #chain = new Uint32Array(FIRST_CHAIN);
  #left = 0;
  #next = 0;
  /** Run-length state: the last byte, how often it came, how often it still comes. */
  #last = -1;
  #same = 0;
  #repeat = 0;

  constructor(bytes: Uint8Array) {
    this.#bits = new BitReader(bytes);
    const level = this.#bits.read(32) - 0x425a6830;
    require(level >= 1 && level <= 9, 'no bzip2 header');
    this.#blockMax = level * BLOCK_UNIT;
  }

  /** Fills `target` with the next bytes; fails when the stream has fewer. */
  read(target: Uint8Array): void {
    for (let at = 0; at < target.length;) {
      if (this.#repeat > 0) {
        const count = Math.min(this.#repeat, target.length - at);
        target.fill(this.#last, at, at + count);
        this.#repeat -= count;
        at += count;
        continue;
      }
      if (this.#left === 0) this.#readBlock();
      const byte = this.#nextByte();
      if (this.#same === 4) {
        this.#repeat = byte;
        this.#same = 0;
        continue;
      }
      this.#same = byte === this.#last ? this.#same + 1 : 1;
      this.#last = byte;
      target[at++] = byte;
    }
  }

  #nextByte(): number {
    require(this.#left > 0, 'a run without a length');
    const entry = this.#chain[this.#next] ?? 0;
    this.#next = entry >>> 8;
    this.#left--;
    return entry & 0xff;
  }

  #readBlock(): void {
    const magic = this.#bits.read(24) * 0x1000000 + this.#bits.read(24);
    require(magic !== END_MAGIC, 'a bzip2 stream ends too early');
    require(magic === BLOCK_MAGIC, 'no bzip2 block');
    this.#bits.read(32);
    require(this.#bits.read(1) === 0, 'a randomised bzip2 block');
    const origin = this.#bits.read(24);
    const counts = new Uint32Array(256);
    const length = this.#readSymbols(counts);
    require(length > 0 && origin < length, 'a bzip2 block without a start');
    this.#invert(length, counts);
    this.#next = (this.#chain[origin] ?? 0) >>> 8;
    this.#left = length;
    this.#last = -1;
    this.#same = 0;
  }

  /** Decodes the block's bytes into the low parts of the chain, counts them; their number. */
  #readSymbols(counts: Uint32Array): number {
    const bits = this.#bits;
    const alphabet = readAlphabet(bits);
    const symbols = alphabet.length + 2;
    const tableCount = bits.read(3);
    require(tableCount >= 2 && tableCount <= 6, 'bad number of bzip2 tables');
    const selectors = readSelectors(bits, tableCount);
    const tables = Array.from({ length: tableCount }, () => new HuffmanTable(bits, symbols));

    const endOfBlock = symbols - 1;
    let length = 0;
    let run = 0;
    let runBit = 1;
    for (const selector of selectors) {
      const table = tables[selector];
      if (table === undefined) break;
      for (let i = 0; i < GROUP_SYMBOLS; i++) {
        const symbol = table.decode(bits);
        if (symbol <= RUN_B) {
          run += runBit << symbol;
          runBit *= 2;
          require(run <= this.#blockMax, 'a run beyond its bzip2 block');
          continue;
        }
        if (run > 0) {
          const front = alphabet[0] ?? 0;
          this.#reserve(length + run);
          this.#chain.fill(front, length, length + run);
          counts[front] = (counts[front] ?? 0) + run;
          length += run;
          run = 0;
          runBit = 1;
        }
        if (symbol === endOfBlock) return length;
        this.#reserve(length + 1);
        const byte = alphabet[symbol - 1] ?? 0;
        alphabet.copyWithin(1, 0, symbol - 1);
        alphabet[0] = byte;
        counts[byte] = (counts[byte] ?? 0) + 1;
        this.#chain[length++] = byte;
      }
    }
    throw damaged('a bzip2 block without an end');
  }

  #reserve(length: number): void {
    if (length <= this.#chain.length) return;
    require(length <= this.#blockMax, 'a bzip2 block beyond its size');
    const grown = new Uint32Array(Math.min(this.#blockMax, 2 * length));
    grown.set(this.#chain);
    this.#chain = grown;
  }

  #invert(length: number, counts: Uint32Array): void {
    const chain = this.#chain;
    const starts = new Uint32Array(256);
    let sum = 0;
    for (let byte = 0; byte < 256; byte++) {
      starts[byte] = sum;
      sum += counts[byte] ?? 0;
    }
    for (let i = 0; i < length; i++) {
      const byte = (chain[i] ?? 0) & 0xff;
      const at = starts[byte] ?? 0;
      starts[byte] = at + 1;
      chain[at] = ((chain[at] ?? 0) | (i << 8)) >>> 0;
    }
  }
}

function readAlphabet(bits: BitReader): Uint8Array {
  const used: number[] = [];
  const groups = bits.read(16);
  for (let group = 0; group < 16; group++) {
    if ((groups & (0x8000 >>> group)) === 0) continue;
    const members = bits.read(16);
    for (let i = 0; i < 16; i++) if (members & (0x8000 >>> i)) used.push(group * 16 + i);
  }
  require(used.length > 0, 'a bzip2 block without bytes');
  return Uint8Array.from(used);
}

function readSelectors(bits: BitReader, tableCount: number): Uint8Array {
  const selectors = new Uint8Array(bits.read(15));
  const order = Uint8Array.from({ length: tableCount }, (_, table) => table);
  for (let i = 0; i < selectors.length; i++) {
    let place = 0;
    while (bits.read(1) === 1) require(++place < tableCount, 'a bad bzip2 selector');
    const table = order[place] ?? 0;
    order.copyWithin(1, 0, place);
    order[0] = table;
    selectors[i] = table;
  }
  return selectors;
}

/** Canonical codes: those of one length are consecutive numbers, shorter ones first. */
class HuffmanTable {
  readonly #sorted: Uint16Array;
  readonly #counts = new Uint16Array(MAX_CODE_LENGTH + 1);

  constructor(bits: BitReader, symbols: number) {
    const lengths = new Uint8Array(symbols);
    let length = bits.read(5);
    for (let symbol = 0; symbol < symbols; symbol++) {
      for (;;) {
        require(length >= 1 && length <= MAX_CODE_LENGTH, 'a bad bzip2 code length');
        if (bits.read(1) === 0) break;
        length += bits.read(1) === 0 ? 1 : -1;
      }
      lengths[symbol] = length;
      this.#counts[length] = (this.#counts[length] ?? 0) + 1;
    }
    const bySymbol = Uint16Array.from(lengths, (_, symbol) => symbol);
    this.#sorted = bySymbol.sort((a, b) => (lengths[a] ?? 0) - (lengths[b] ?? 0) || a - b);
  }

  decode(bits: BitReader): number {
    let code = 0;
    let first = 0;
    let index = 0;
    for (let length = 1; length <= MAX_CODE_LENGTH; length++) {
      code |= bits.read(1);
      const count = this.#counts[length] ?? 0;
      if (code - first < count) return this.#sorted[index + code - first] ?? 0;
      index += count;
      first = (first + count) << 1;
      code <<= 1;
    }
    throw damaged('a bad bzip2 code');
  }
}

class BitReader {
  readonly #bytes: Uint8Array;
  #at = 0;
  #held = 0;
  #count = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  /** The next `count` bits, up to 32, as a number. */
  read(count: number): number {
    if (count > 24) return this.read(count - 16) * 0x10000 + this.read(16);
    while (this.#count < count) {
      const byte = this.#bytes[this.#at++];
      if (byte === undefined) throw damaged('a bzip2 stream is cut off');
      this.#held = (this.#held << 8) | byte;
      this.#count += 8;
    }
    this.#count -= count;
    return (this.#held >>> this.#count) & (2 ** count - 1);
  }
}

function require(valid: boolean, what: string): asserts valid {
  if (!valid) throw damaged(what);
}

function damaged(what: string): DebshoalError {
  return new DebshoalError('delta-damaged', what);
}
