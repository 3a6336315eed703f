import { encodeBlocks, encodedSize, type Block } from './block.js';
import { compressWith, type Coder } from './coders.js';
import { isMixable } from './mixing.js';
import {
  companionsOf,
  kindOfStream,
  numberOfStream,
  type StreamKind,
  type StreamName,
} from './stream-names.js';

export interface NamedStream {
  readonly name: StreamName;
  readonly bytes: Uint8Array;
}

export interface PackOptions {
  /** How long the mixing coder may take to expand all streams, by the constants below. */
  readonly decodeBudgetMs?: number;
}

interface NumberedStream {
  readonly number: number;
  readonly bytes: Uint8Array;
}

/** What the mixing coder expands in a millisecond on a slow machine: decides, is never measured. */
const MIXED_BYTES_PER_MS = 500;
/** Mixing that saves less than this for each millisecond of expanding is not worth it. */
const MIN_SAVED_PER_MS = 2;
const DEFAULT_BUDGET_MS = 4000;
/** brotli's best quality takes a second for a megabyte; lzma wins there anyway. */
const MAX_BROTLI = 131_072;
/** Of these kinds long streams are never more than 0.2 % smaller with brotli. */
const MAX_BROTLI_OF_LZMA = 32_768;
const LZMA_KINDS: ReadonlySet<StreamKind> = new Set(['numbers', 'values', 'code']);
/** Above, only the likeliest coders are tried where mixing is one of them. */
const TRY_ALL_UP_TO = 8192;
/** Groups of streams up to one of these are tried together in one block. */
const JOIN_UP_TO = [512, 4096, 32_768];
const FALLBACK: Coder = { name: 'lzma', parameters: { lc: 3, lp: 0, pb: 0 } };
/** Above, coders are tried on a sample only: one coder takes a second for a megabyte. */
const TRY_WHOLE_UP_TO = 2 ** 20;
const SAMPLE_BYTES = 2 ** 18;
const PLAIN: readonly Coder[] = [FALLBACK, { name: 'lzma', parameters: { lc: 0, lp: 0, pb: 0 } }];

/** Codes streams, each of which may be there once; empty ones cost nothing. Deterministic. */
export async function packStreams(
  streams: readonly NamedStream[],
  { decodeBudgetMs = DEFAULT_BUDGET_MS }: PackOptions = {},
): Promise<Buffer> {
  const numbered = streams
    .filter(({ bytes }) => bytes.length > 0)
    .map(({ name, bytes }) => ({ number: numberOfStream(name), bytes }))
    .sort((a, b) => a.number - b.number);
  if (new Set(numbered.map(({ number }) => number)).size < numbered.length) {
    throw new Error('a stream is there twice');
  }
  await Promise.resolve();
  const groups = groupByCompanions(numbered).map((group) => codeGroup(group, decodeBudgetMs));
  return encodeBlocks(joinShort(spendBudget(groups, decodeBudgetMs)));
}

/** Streams that tell something about each other, in one group. */
function groupByCompanions(streams: readonly NumberedStream[]): NumberedStream[][] {
  const groups: NumberedStream[][] = [];
  for (const stream of streams) {
    const companions = companionsOf(stream.number);
    const group = groups.find((others) => others.some(({ number }) => companions.includes(number)));
    if (group) group.push(stream);
    else groups.push([stream]);
  }
  return groups;
}

/** A group's two ways into the package. */
interface CodedGroup {
  readonly streams: readonly NumberedStream[];
  readonly plain: readonly Block[];
  readonly mixed: Block | null;
}

function codeGroup(streams: readonly NumberedStream[], budgetMs: number): CodedGroup {
  const length = lengthOf(streams);
  const isAffordable = decodingMs(streams) <= budgetMs;
  const mixed = isAffordable ? codeMixed(streams) : null;
  const isShort = length <= TRY_ALL_UP_TO;
  const plain = streams.map((stream) =>
    codePlain([stream], mixed === null || isShort ? PLAIN : [FALLBACK]),
  );
  return { streams, plain, mixed };
}

/** Mixes where it saves most for its time, as long as there is time left. */
function spendBudget(groups: readonly CodedGroup[], budgetMs: number): CodedGroup[] {
  const gain = ({ streams, plain, mixed }: CodedGroup): number =>
    mixed === null ? 0 : (sizeOf(plain) - encodedSize(mixed)) / decodingMs(streams);
  const order = [...groups].sort((a, b) => gain(b) - gain(a));
  const chosen = new Set<CodedGroup>();
  let left = budgetMs;
  for (const group of order) {
    if (gain(group) < MIN_SAVED_PER_MS || decodingMs(group.streams) > left) continue;
    chosen.add(group);
    left -= decodingMs(group.streams);
  }
  return groups.map((group) => {
    if (chosen.has(group)) return group;
    if (group.mixed === null) return group;
    return { ...group, mixed: null, plain: group.streams.map((s) => codePlain([s], PLAIN)) };
  });
}

/** Every group in blocks of its own, or the short ones in one: whatever is smaller. */
function joinShort(groups: readonly CodedGroup[]): Block[] {
  const blocksOf = ({ plain, mixed }: CodedGroup): readonly Block[] => (mixed ? [mixed] : plain);
  let best = groups.flatMap(blocksOf);
  let tried = 1;
  for (const limit of JOIN_UP_TO) {
    const short = groups.filter(({ streams }) => lengthOf(streams) <= limit);
    if (short.length <= tried) continue;
    tried = short.length;
    const streams = short.flatMap((group) => group.streams).sort((a, b) => a.number - b.number);
    const long = groups.filter((group) => !short.includes(group)).flatMap(blocksOf);
    const isMixed = short.every(({ mixed }) => mixed !== null);
    const joined = [codePlain(streams, PLAIN), ...(isMixed ? [codeMixed(streams)] : [])];
    for (const block of joined) {
      if (block && sizeOf([...long, block]) < sizeOf(best)) best = [...long, block];
    }
  }
  return best;
}

function decodingMs(streams: readonly NumberedStream[]): number {
  return lengthOf(streams) / MIXED_BYTES_PER_MS;
}

function lengthOf(streams: readonly NumberedStream[]): number {
  return streams.reduce((sum, { bytes }) => sum + bytes.length, 0);
}

function sizeOf(blocks: readonly Block[]): number {
  return blocks.reduce((sum, block) => sum + encodedSize(block), 0);
}

/** One block of some streams, with the plain coder that makes the least of them. */
function codePlain(streams: readonly NumberedStream[], coders: readonly Coder[]): Block {
  const brotli: Coder[] = [{ name: 'brotli' }];
  const bytes = Buffer.concat(streams.map((stream) => stream.bytes));
  if (coders.length > 1 && bytes.length > TRY_WHOLE_UP_TO) {
    return codePlain(streams, [bestOnSample(bytes, coders)]);
  }
  const isForLzma = streams.every(({ number }) => LZMA_KINDS.has(kindOfStream(number)));
  const useBrotli =
    coders.length > 1 && bytes.length <= (isForLzma ? MAX_BROTLI_OF_LZMA : MAX_BROTLI);
  const blocks = [...coders, ...(useBrotli ? brotli : [])].map((coder) =>
    codeBlock(coder, streams, bytes),
  );
  const stored = codeBlock({ name: 'stored' }, streams, bytes);
  return blocks.reduce(
    (best, block) => (encodedSize(block) < encodedSize(best) ? block : best),
    stored,
  );
}

/** The coder that makes the least of some bytes of the middle; the first of equal ones. */
function bestOnSample(bytes: Buffer, coders: readonly Coder[]): Coder {
  const start = Math.floor((bytes.length - SAMPLE_BYTES) / 2);
  const sample = bytes.subarray(start, start + SAMPLE_BYTES);
  const tried = coders.map((coder) => ({
    coder,
    length: compressWith(coder, sample, []).length,
  }));
  return tried.reduce((best, one) => (one.length < best.length ? one : best)).coder;
}

/** Null when the streams are not what their kinds say, or too long. */
function codeMixed(streams: readonly NumberedStream[]): Block | null {
  const bytes = Buffer.concat(streams.map((stream) => stream.bytes));
  const spans = streams.map((stream) => ({ number: stream.number, length: stream.bytes.length }));
  if (!isMixable(bytes, spans)) return null;
  const block = codeBlock({ name: 'mixed' }, streams, bytes);
  return block.packed.length < bytes.length ? block : null;
}

function codeBlock(coder: Coder, streams: readonly NumberedStream[], bytes: Buffer): Block {
  const spans = streams.map((stream) => ({ number: stream.number, length: stream.bytes.length }));
  return { coder: coder.name, streams: spans, packed: compressWith(coder, bytes, spans) };
}
