import { DebshoalError } from '../errors.js';
import { instantiate } from '../kernel/instantiate.js';
import type { DeflateEncoder } from './nested-recipe.js';

/*
 * Canonical zlib in WebAssembly: Node's own zlib is Chromium's, which writes other bytes, and the
 * port to JavaScript is two to three times slower.
 */

export type ZlibEncoder = Extract<DeflateEncoder, { by: 'zlib' }>;

interface DeflateKernel {
  readonly memory: WebAssembly.Memory;
  arena(length: number): number;
  deflate(
    contentAt: number,
    contentLength: number,
    level: number,
    memoryLevel: number,
    strategy: number,
    windowBits: number,
    packedAt: number,
    packedLimit: number,
    expectedAt: number,
    expectedBytes: number,
  ): number;
}

/** Bytes behind the content that the kernel may read. */
const PADDING = 512;
/** WebAssembly memory never shrinks: beyond this an instance is dropped after its job. */
const KEPT_BYTES = 64 << 20;
const DIFFERENT = 0xffffffff;

let kept: DeflateKernel | null = null;

/** The raw deflate stream that canonical zlib makes of `content`. */
export function zlibDeflate(content: Buffer, encoder: ZlibEncoder): Buffer {
  const packed = run(content, encoder, null);
  if (packed === null) throw new Error('nothing was expected');
  return packed;
}

/** Whether canonical zlib makes exactly `packed` of `content`. Stops at the first other block. */
export function zlibMakes(content: Buffer, encoder: ZlibEncoder, packed: Buffer): boolean {
  return run(content, encoder, packed) !== null;
}

function run(content: Buffer, encoder: ZlibEncoder, expected: Buffer | null): Buffer | null {
  const kernel = kept ?? (instantiate('deflate').exports as unknown as DeflateKernel);
  const { level, memLevel, strategy, windowBits } = encoder;
  // A literal is 9 bits at most, a match of three bytes 31, and small blocks have ends.
  const limit = Math.ceil(content.length * 1.5) + 1024;
  const expectedLength = expected?.length ?? 0;
  try {
    const contentAt = kernel.arena(content.length + PADDING + expectedLength + PADDING + limit);
    const expectedAt = contentAt + content.length + PADDING;
    const packedAt = expectedAt + expectedLength + PADDING;
    const memory = Buffer.from(kernel.memory.buffer);
    content.copy(memory, contentAt);
    expected?.copy(memory, expectedAt);
    const args = [expected === null ? 0 : expectedAt, expectedLength] as const;
    const length = kernel.deflate(
      ...([contentAt, content.length, level, memLevel, strategy, windowBits] as const),
      ...([packedAt, limit, ...args] as const),
    );
    kept = kernel.memory.buffer.byteLength <= KEPT_BYTES ? kernel : null;
    if (length >>> 0 === DIFFERENT) return null;
    return Buffer.from(memory.subarray(packedAt, packedAt + length));
  } catch (cause) {
    kept = null;
    if (!(cause instanceof WebAssembly.RuntimeError || cause instanceof RangeError)) throw cause;
    throw new DebshoalError('delta-damaged', 'a nested stream cannot be packed', { cause });
  }
}
