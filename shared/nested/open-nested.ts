import { XZ_MAGIC } from '../deb/xz-container.js';
import { hasElfMagic } from '../elf/section-table.js';
import { DebshoalError } from '../errors.js';
import { gzipDataAt } from '../io/gzip.js';
import { decompressXz } from '../io/xz.js';
import { LIMITS } from '../limits.js';
import { ExpansionBudget } from './expansion-budget.js';
import { inflateGzip, inflateRaw, inflateZlib } from './inflate.js';
import { readImageData } from './png.js';
import { scanForDeflate, zlibHints } from './scan-deflate.js';
import type { DeflateStream, NestedNode, NestedStream, ZipStream } from './tree.js';
import { DEFLATED, readZip, STORED, type Zip, type ZipEntry } from './zip.js';
import { decompressZstd, isZstd } from './zstd.js';

/*
 * Finds the packed streams of a file by its bytes alone, and those within them. Both sides do this
 * to the same old files and must find the same: nothing here depends on time, memory or order, and
 * what is too large, too deep or damaged stays closed.
 */

export function openNested(bytes: Buffer): Promise<NestedNode> {
  return openNode(bytes, 0, new ExpansionBudget());
}

async function openNode(
  bytes: Buffer,
  depth: number,
  budget: ExpansionBudget,
): Promise<NestedNode> {
  if (depth >= LIMITS.nestedDepth) return { bytes, streams: [] };
  const streams =
    (await openWhole(bytes, depth, budget)) ??
    (await openZip(bytes, depth, budget)) ??
    (await openPng(bytes, depth, budget)) ??
    (await openScanned(bytes, depth, budget));
  return { bytes, streams };
}

/** .gz (of one or several members), .xz and .zst; null for other files. */
async function openWhole(
  bytes: Buffer,
  depth: number,
  budget: ExpansionBudget,
): Promise<NestedStream[] | null> {
  if (bytes.subarray(0, XZ_MAGIC.length).equals(XZ_MAGIC)) {
    return openCodec('xz', decompressXz, bytes, depth, budget);
  }
  if (isZstd(bytes)) return openCodec('zstd', decompressZstd, bytes, depth, budget);
  return gzipDataAt(bytes, 0) === null ? null : openGzip(bytes, depth, budget);
}

async function openCodec(
  kind: 'xz' | 'zstd',
  decompress: (bytes: Uint8Array, maxBytes: number) => Promise<Buffer>,
  bytes: Buffer,
  depth: number,
  budget: ExpansionBudget,
): Promise<NestedStream[]> {
  try {
    const content = await decompress(bytes, budget.left);
    if (!budget.take(content.length)) return [];
    const node = await openNode(content, depth + 1, budget);
    return [{ kind, start: 0, end: bytes.length, node }];
  } catch (error) {
    if (!(error instanceof DebshoalError)) throw error;
    budget.takeFailure();
    return [];
  }
}

async function openGzip(
  bytes: Buffer,
  depth: number,
  budget: ExpansionBudget,
): Promise<NestedStream[]> {
  const streams: NestedStream[] = [];
  let start = gzipDataAt(bytes, 0);
  while (start !== null) {
    const opened = budget.open(bytes.length - start, (limit) =>
      inflateGzip(bytes, start ?? 0, limit),
    );
    if (opened === null) break;
    const { content, end } = opened;
    const node = await openNode(content, depth + 1, budget);
    // The extra flags tell the two extreme levels (RFC 1952 section 2.3.1).
    const hintedLevel = bytes[8] === 2 ? 9 : bytes[8] === 4 ? 1 : null;
    const hints = { hintedLevel, hintedWindowBits: 15 };
    streams.push({ kind: 'deflate', trailer: 'gzip', start, end, node, ...hints });
    start = gzipDataAt(bytes, end);
  }
  return streams;
}

async function openZip(
  bytes: Buffer,
  depth: number,
  budget: ExpansionBudget,
): Promise<NestedStream[] | null> {
  const zip = readZip(bytes);
  if (zip === null) return null;
  const entries: ZipStream['entries'][number][] = [];
  for (const entry of zip.entries) entries.push(await openEntry(bytes, entry, depth, budget));
  return zip.regular
    ? [{ kind: 'zip', start: 0, end: bytes.length, zip, entries }]
    : entryStreams(zip, entries);
}

async function openEntry(
  bytes: Buffer,
  entry: ZipEntry,
  depth: number,
  budget: ExpansionBudget,
): Promise<DeflateStream | NestedNode | null> {
  const start = entry.dataAt;
  const end = start + entry.packedLength;
  const packed = bytes.subarray(start, end);
  if (entry.method === STORED) return openNode(packed, depth + 1, budget);
  // The declared length is taken first: an entry that lies pays for it.
  if (entry.method !== DEFLATED || !budget.take(entry.length)) return null;
  const opened = inflateRaw(packed, 0, entry.length);
  if (typeof opened === 'string') return null;
  const { content } = opened;
  if (opened.end !== packed.length || content.length !== entry.length) return null;
  const node = await openNode(content, depth + 1, budget);
  // APPNOTE.TXT section 4.4.4: normal, maximum, fast, super fast.
  const hintedLevel = [6, 9, 2, 1][(entry.flags >> 1) & 3] ?? null;
  const hints = { hintedLevel, hintedWindowBits: 15 };
  return { kind: 'deflate', trailer: 'none', start, end, node, ...hints };
}

/** The entries of an irregular zip one by one, or the streams within stored ones. */
export function entryStreams(zip: Zip, entries: ZipStream['entries']): NestedStream[] {
  const streams = zip.entries.flatMap(({ dataAt }, i): NestedStream[] => {
    const entry = entries[i] ?? null;
    if (entry === null) return [];
    if ('kind' in entry) return [entry];
    return entry.streams.map((stream) => ({
      ...stream,
      start: stream.start + dataAt,
      end: stream.end + dataAt,
    }));
  });
  return streams.sort((a, b) => a.start - b.start);
}

async function openPng(
  bytes: Buffer,
  depth: number,
  budget: ExpansionBudget,
): Promise<NestedStream[] | null> {
  const image = readImageData(bytes);
  if (image === null) return null;
  const { data, start, end, chunkBytes } = image;
  const opened = budget.open(data.length, (limit) => inflateZlib(data, 0, limit));
  if (opened?.end !== data.length) return [];
  // Pixels hold no streams.
  const node = await openNode(opened.content, LIMITS.nestedDepth, budget);
  return [{ kind: 'png', start, end, data, chunkBytes, node }];
}

/** Streams inside files of any other format. */
async function openScanned(
  bytes: Buffer,
  depth: number,
  budget: ExpansionBudget,
): Promise<NestedStream[]> {
  // The positions in an ELF file are what its references are predicted by.
  if (hasElfMagic(bytes)) return [];
  const streams: NestedStream[] = [];
  for (const { dataAt, end, content } of scanForDeflate(bytes, budget)) {
    const node = await openNode(content, depth + 1, budget);
    const hints = zlibHints(bytes, dataAt - 2);
    streams.push({ kind: 'deflate', trailer: 'adler32', start: dataAt, end, node, ...hints });
  }
  return streams;
}
