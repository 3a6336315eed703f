import { crc32 } from 'node:zlib';

import { gather } from '../io/gather.js';
import { GZIP_TRAILER } from '../io/gzip.js';
import { instantiate } from '../kernel/instantiate.js';

interface StreamKernel {
  readonly memory: WebAssembly.Memory;
  arena(length: number): number;
  begin(
    level: number,
    memoryLevel: number,
    strategy: number,
    windowBits: number,
    gnu: number,
  ): void;
  continueStream(
    contentAt: number,
    contentEnd: number,
    isLast: number,
    packedAt: number,
    packedLimit: number,
  ): number;
  keptFrom(): number;
}

const PIECE_BYTES = 256 * 1024;
/** Content that waits or is still needed: a piece, the kernel's view ahead, and three windows behind. */
const KEPT_BYTES = 512 * 1024;
/** Room for what is made of one piece and of a block that was not full before. */
const PACKED_BYTES = 2 * KEPT_BYTES;
/** Bytes behind the content that the kernel uses. */
const PADDING = 512;
/** Positions in the kernel have 32 bits. */
const MAX_CONTENT = 2 ** 32 - PIECE_BYTES;

/**
 * What comes behind the header of a .gz: the deflate stream of canonical zlib or GNU gzip, and the
 * trailer. The same bytes for every length of the chunks.
 */
export async function* encodeGzip(
  encoder: 'gnu' | 'zlib',
  level: number,
  input: AsyncIterable<Uint8Array>,
): AsyncGenerator<Buffer> {
  const stream = new DeflateStream(encoder, level);
  let crc = 0;
  let length = 0;
  for await (const chunk of gather(input, PIECE_BYTES)) {
    crc = crc32(chunk, crc);
    length += chunk.length;
    for (let at = 0; at < chunk.length; at += PIECE_BYTES) {
      const packed = stream.continue(chunk.subarray(at, at + PIECE_BYTES), false);
      if (packed.length > 0) yield packed;
    }
  }
  yield stream.continue(Buffer.alloc(0), true);
  const trailer = Buffer.alloc(GZIP_TRAILER);
  trailer.writeUInt32LE(crc);
  trailer.writeUInt32LE(length % 2 ** 32, 4);
  yield trailer;
}

/** A deflate stream whose content comes in pieces. */
class DeflateStream {
  readonly #kernel = instantiate('deflate').exports as unknown as StreamKernel;
  readonly #memory: Buffer;
  readonly #arena: number;
  /** The part of the content that lies in the arena. */
  #from = 0;
  #end = 0;

  constructor(encoder: 'gnu' | 'zlib', level: number) {
    this.#arena = this.#kernel.arena(KEPT_BYTES + PADDING + PACKED_BYTES);
    this.#memory = Buffer.from(this.#kernel.memory.buffer);
    this.#kernel.begin(level, 8, 0, 15, encoder === 'gnu' ? 1 : 0);
  }

  /** Adds at most `PIECE_BYTES`; returns what was packed meanwhile. */
  continue(piece: Uint8Array, isLast: boolean): Buffer {
    const kept = this.#kernel.keptFrom();
    const keptAt = this.#arena + (kept - this.#from);
    this.#memory.copyWithin(this.#arena, keptAt, this.#arena + (this.#end - this.#from));
    this.#from = kept;
    const pieceAt = this.#end - this.#from;
    if (pieceAt + piece.length > KEPT_BYTES) throw new Error('too much of a stream is kept');
    if (this.#end + piece.length > MAX_CONTENT) throw new RangeError('a .gz of over 4 GiB');
    this.#memory.set(piece, this.#arena + pieceAt);
    this.#end += piece.length;
    const packedAt = this.#arena + KEPT_BYTES + PADDING;
    const contentAt = this.#arena - this.#from;
    const length = this.#kernel.continueStream(
      ...([contentAt, this.#end, isLast ? 1 : 0, packedAt, PACKED_BYTES] as const),
    );
    return Buffer.from(this.#memory.subarray(packedAt, packedAt + length));
  }
}
