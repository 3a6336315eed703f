import { DebshoalError } from '../errors.js';
import { instantiate } from '../kernel/instantiate.js';
import type { DeflateEncoder } from './nested-recipe.js';

/*
 * Canonical zlib and GNU gzip in WebAssembly: Node's own zlib is Chromium's, which writes other
 * bytes; the port to JavaScript is two to three times slower; and a process of gzip with its
 * temporary files costs more than the compression of a manual page.
 */

interface DeflateKernel {
  readonly memory: WebAssembly.Memory;
  arena(length: number): number;
  begin(
    level: number,
    memoryLevel: number,
    strategy: number,
    windowBits: number,
    gnu: number,
  ): void;
  deflate(
    contentAt: number,
    contentLength: number,
    packedAt: number,
    packedLimit: number,
    expectedAt: number,
    expectedBytes: number,
  ): number;
}

/** Bytes behind the content that the kernel uses. */
const PADDING = 512;
/** WebAssembly memory never shrinks: beyond this an instance is dropped after its job. */
const KEPT_BYTES = 64 << 20;
const DIFFERENT = 0xffffffff;

let kept: DeflateKernel | null = null;

/** The raw deflate stream that `encoder` makes of `content`. */
export function deflate(content: Buffer, encoder: DeflateEncoder): Buffer {
  const packed = run(content, encoder, null);
  if (packed === null) throw new Error('nothing was expected');
  return packed;
}

/** Whether `encoder` makes exactly `packed` of `content`. Stops at the first other block. */
export function deflatesTo(content: Buffer, encoder: DeflateEncoder, packed: Buffer): boolean {
  return run(content, encoder, packed) !== null;
}

function run(content: Buffer, encoder: DeflateEncoder, expected: Buffer | null): Buffer | null {
  const kernel = kept ?? (instantiate('deflate').exports as unknown as DeflateKernel);
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
    kernel.begin(...settingsOf(encoder));
    const wanted = expected === null ? 0 : expectedAt;
    const length = kernel.deflate(
      ...([contentAt, content.length, packedAt, limit, wanted, expectedLength] as const),
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

/** The kernel's level, memory level, strategy, window bits, and 1 for GNU gzip. */
function settingsOf(encoder: DeflateEncoder): [number, number, number, number, 0 | 1] {
  if (encoder.by === 'gnu') return [encoder.level, 8, 0, 15, 1];
  const { level, memLevel, strategy, windowBits } = encoder;
  return [level, memLevel, strategy, windowBits, 0];
}
