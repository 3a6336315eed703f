import { DebshoalError } from '../errors.js';

/** Appends numbers and byte strings of our binary formats. */
export class ByteWriter {
  readonly #parts: Buffer[] = [];
  #length = 0;

  get length(): number {
    return this.#length;
  }

  byte(value: number): void {
    this.bytes(Buffer.from([value]));
  }

  /** Unsigned LEB128: seven bits a byte, lowest first. Up to 2^53 - 1. */
  varint(value: number): void {
    if (!Number.isSafeInteger(value) || value < 0) throw new Error(`not a varint: ${value}`);
    const out: number[] = [];
    let rest = value;
    while (rest >= 0x80) {
      out.push((rest % 0x80) | 0x80);
      rest = Math.floor(rest / 0x80);
    }
    out.push(rest);
    this.bytes(Buffer.from(out));
  }

  bytes(value: Uint8Array): void {
    this.#parts.push(Buffer.from(value.buffer, value.byteOffset, value.byteLength));
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
    return Buffer.concat(this.#parts, this.#length);
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
    return this.bytes(1).readUInt8();
  }

  /** A varint of at most `max`; longer encodings than needed are refused, so bytes are unique. */
  varint(max: number): number {
    let value = 0;
    for (let shift = 0; shift < 8; shift++) {
      const byte = this.byte();
      value += (byte & 0x7f) * 2 ** (7 * shift);
      if (byte < 0x80) {
        if ((byte === 0 && shift > 0) || value > max) break;
        return value;
      }
    }
    throw new DebshoalError('delta-damaged', `number out of range, at most ${max} allowed`);
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
