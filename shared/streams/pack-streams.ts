import { encodeBlocks, encodedSize, type Block } from './block.js';
import { compressWith, type Coder } from './coders.js';
import { numberOfStream, type StreamName } from './stream-names.js';

export interface NamedStream {
  readonly name: StreamName;
  readonly bytes: Uint8Array;
}

interface NumberedStream {
  readonly number: number;
  readonly bytes: Uint8Array;
}

/** brotli's best quality takes a second for a megabyte; lzma wins there anyway. */
const MAX_BROTLI = 131_072;
/** Streams up to one of these are tried together in one block. */
const JOIN_UP_TO = [64, 512, 4096, 32_768];
const LZMA_PARAMETERS = [
  { lc: 3, lp: 0, pb: 0 },
  { lc: 0, lp: 0, pb: 0 },
  { lc: 3, lp: 0, pb: 2 },
];

/** Codes streams, each of which may be there once; empty ones cost nothing. Deterministic. */
export async function packStreams(streams: readonly NamedStream[]): Promise<Buffer> {
  const numbered = streams
    .filter(({ bytes }) => bytes.length > 0)
    .map(({ name, bytes }) => ({ number: numberOfStream(name), bytes }))
    .sort((a, b) => a.number - b.number);
  if (new Set(numbered.map(({ number }) => number)).size < numbered.length) {
    throw new Error('a stream is there twice');
  }
  await Promise.resolve();
  return encodeBlocks(chooseBlocks(numbered));
}

/** Every stream in a block of its own, or the short ones together: whatever is smaller. */
function chooseBlocks(streams: readonly NumberedStream[]): Block[] {
  const alone = new Map(streams.map((stream) => [stream, codeBlock([stream])]));
  let best = [...alone.values()];
  let tried = 1;
  for (const limit of JOIN_UP_TO) {
    const short = streams.filter(({ bytes }) => bytes.length <= limit);
    if (short.length <= tried) continue;
    tried = short.length;
    const long = streams.filter((stream) => !short.includes(stream));
    const blocks = [...long.flatMap((stream) => alone.get(stream) ?? []), codeBlock(short)];
    if (sizeOf(blocks) < sizeOf(best)) best = blocks;
  }
  return best;
}

function sizeOf(blocks: readonly Block[]): number {
  return blocks.reduce((sum, block) => sum + encodedSize(block), 0);
}

/** One block of some streams, with the coder that makes the least of them. */
function codeBlock(streams: readonly NumberedStream[]): Block {
  const bytes = Buffer.concat(streams.map((stream) => stream.bytes));
  const spans = streams.map((stream) => ({ number: stream.number, length: stream.bytes.length }));
  let best: Block = { coder: 'stored', streams: spans, packed: bytes };
  for (const coder of candidates(bytes.length)) {
    const packed = compressWith(coder, bytes);
    if (packed.length < best.packed.length) best = { coder: coder.name, streams: spans, packed };
  }
  return best;
}

function candidates(length: number): Coder[] {
  const lzma = LZMA_PARAMETERS.map((parameters) => ({ name: 'lzma' as const, parameters }));
  return length <= MAX_BROTLI ? [{ name: 'brotli' }, ...lzma] : lzma;
}
