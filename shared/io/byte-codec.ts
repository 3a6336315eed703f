import { DebshoalError } from '../errors.js';

/** Numbers around 0 as varints take them: 0, −1, 1, −2, … become 0, 1, 2, 3, … */
export function zigzag(value: number): number {
  return value < 0 ? -2 * value - 1 : 2 * value;
}

export function unzigzag(code: number): number {
  return code % 2 === 0 ? code / 2 : -(code + 1) / 2;
}

/** Appends numbers and byte strings of our binary formats. */
export class ByteWriter {
  #bytes = Buffer.alloc(64);
  #length = 0;

  get length(): number {
    return this.#length;
  }

  byte(value: number): void {
    this.#reserve(1);
    this.#bytes[this.#length++] = value;
  }

  /** Unsigned LEB128: seven bits a byte, lowest first. Up to 2^53 - 1. */
  varint(value: number): void {
    if (!Number.isSafeInteger(value) || value < 0) throw new Error(`not a varint: ${value}`);
    let rest = value;
    while (rest >= 0x80) {
      this.byte((rest % 0x80) | 0x80);
      rest = Math.floor(rest / 0x80);
    }
    this.byte(rest);
  }

  /** A varint of `zigzag`: small steps either way stay short. */
  signedVarint(value: number): void {
    this.varint(zigzag(value));
  }

  bytes(value: Uint8Array): void {
    this.#reserve(value.length);
    this.#bytes.set(value, this.#length);
    this.#length += value.length;
  }

  /** Length as a varint, then the bytes. */
  block(value: Uint8Array): void {
    this.varint(value.length);
    this.bytes(value);
  }

  text(value: string): void {
    this.block(Buffer.from(value, 'utf8'));
  }

  finish(): Buffer {
    return Buffer.from(this.#bytes.subarray(0, this.#length));
  }

  #reserve(more: number): void {
    const needed = this.#length + more;
    if (needed <= this.#bytes.length) return;
    const grown = Buffer.alloc(Math.max(needed, 2 * this.#bytes.length));
    grown.set(this.#bytes);
    this.#bytes = grown;
  }
}

/** Reads what ByteWriter wrote. Everything out of bounds is `delta-damaged`. */
export class ByteReader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get remaining(): number {
    return this.#bytes.length - this.#at;
  }

  byte(): number {
    // No subarray of one byte: large deltas have tens of millions of varints.
    const value = this.#bytes[this.#at];
    if (value === undefined) throw new DebshoalError('delta-damaged', 'data ends too early');
    this.#at++;
    return value;
  }

  /** A varint of at most `max`; longer encodings than needed are refused, so bytes are unique. */
  varint(max: number): number {
    let value = 0;
    for (let scale = 1; scale < 2 ** 56; scale *= 0x80) {
      const byte = this.byte();
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) {
        if ((byte === 0 && scale > 1) || value > max) break;
        return value;
      }
    }
    throw new DebshoalError('delta-damaged', `number out of range, at most ${max} allowed`);
  }

  /** What `signedVarint` wrote, between -max and max. */
  signedVarint(max: number): number {
    return unzigzag(this.varint(2 * max));
  }

  bytes(length: number): Buffer {
    if (length > this.remaining) throw new DebshoalError('delta-damaged', 'data ends too early');
    const start = this.#at;
    this.#at += length;
    return this.#bytes.subarray(start, this.#at);
  }

  block(maxLength: number): Buffer {
    return this.bytes(this.varint(maxLength));
  }

  text(maxLength: number): string {
    return this.block(maxLength).toString('utf8');
  }

  expectEnd(): void {
    if (this.remaining > 0) {
      throw new DebshoalError('delta-damaged', `${this.remaining} bytes too many`);
    }
  }
}
