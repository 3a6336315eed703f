import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';

import { isArchitecture, isPackageName } from '../deb/control.js';
import { decodeRecipe, encodeRecipe } from '../deb/recipe.js';
import { isVersion } from '../deb/version.js';
import { DebshoalError } from '../errors.js';
import { ByteReader, ByteWriter } from '../io/byte-codec.js';
import { readExactly } from '../io/files.js';
import { LIMITS } from '../limits.js';
import {
  checkConsistency,
  memoryNeeded,
  type DeltaHeader,
  type LiteralDictionary,
  type Operation,
  type SourceFile,
  type TargetPart,
} from './delta.js';
import { compressFrame, expandFrame } from './zstd-frame.js';

/* The codec of FORMAT.md, version 0. Encoding and decoding of each structure stand together. */

const MAGIC = Buffer.from('dSh');
const VERSION = 0;
const CHECKSUM_LENGTH = 8;
const PREAMBLE_LENGTH = MAGIC.length + 1 + CHECKSUM_LENGTH;
const FINGERPRINT_LENGTH = 8;
/** The three lengths after the preamble, each a varint of at most 8 bytes. */
const MAX_LENGTHS = 4 * 8;
const MAX_NAME = 1024;
const METHODS = ['literal', 'copy', 'bsdiff', 'zstd'] as const;

/** A delta file that was opened and whose header was checked. */
export interface OpenDelta {
  readonly header: DeltaHeader;
  readonly size: number;
  readonly file: FileHandle;
  readonly literals: { readonly offset: number; readonly packed: number; readonly length: number };
  readonly patches: { readonly offset: number; readonly length: number };
}

export interface DeltaContent {
  readonly header: DeltaHeader;
  /** The literal stream, compressed with its dictionary, and its expanded length. */
  readonly literals: { readonly packed: Uint8Array; readonly length: number };
  readonly patches: readonly Uint8Array[];
}

/** Encodes a whole delta. Deterministic. */
export function encodeDelta({ header, literals, patches }: DeltaContent): Buffer {
  const headerBytes = encodeHeader(header);
  const packedHeader = compressFrame(headerBytes, null);
  const body = new ByteWriter();
  body.varint(packedHeader.length);
  body.varint(headerBytes.length);
  body.varint(literals.packed.length);
  body.varint(literals.length);
  body.bytes(packedHeader);
  body.bytes(literals.packed);
  for (const patch of patches) body.bytes(patch);
  const bodyBytes = body.finish();
  const checksum = createHash('sha256').update(bodyBytes).digest().subarray(0, CHECKSUM_LENGTH);
  return Buffer.concat([MAGIC, Buffer.from([VERSION]), checksum, bodyBytes]);
}

/**
 * Opens a delta file, checks its checksum before anything in it is interpreted, then its header.
 * `delta-damaged`, `delta-unsupported` or `limit-exceeded`. The caller closes `file`.
 */
export async function openDelta(path: string): Promise<OpenDelta> {
  const file = await open(path, 'r');
  try {
    return await readDelta(file, path);
  } catch (error) {
    await file.close();
    throw error;
  }
}

async function readDelta(file: FileHandle, path: string): Promise<OpenDelta> {
  const { size } = await file.stat();
  if (size > LIMITS.deltaBytes) throw new DebshoalError('limit-exceeded', `${path} is too large`);
  if (size <= PREAMBLE_LENGTH) throw damaged(`${path} is no delta: only ${size} bytes`);
  const preamble = await readExactly(file, 0, PREAMBLE_LENGTH);
  if (!preamble.subarray(0, MAGIC.length).equals(MAGIC)) throw damaged(`${path} is no delta`);
  const version = preamble.readUInt8(MAGIC.length);
  if (version !== VERSION) {
    throw new DebshoalError('delta-unsupported', `${path} has format version ${version}`, {
      hint: 'a newer debshoal may read it',
    });
  }
  await verifyChecksum(path, preamble.subarray(MAGIC.length + 1));

  const rest = size - PREAMBLE_LENGTH;
  const lengths = new ByteReader(
    await readExactly(file, PREAMBLE_LENGTH, Math.min(MAX_LENGTHS, rest)),
  );
  const before = lengths.remaining;
  const headerPacked = lengths.varint(rest);
  const headerLength = lengths.varint(LIMITS.deltaHeaderBytes);
  const literalsPacked = lengths.varint(rest);
  const literalsLength = lengths.varint(LIMITS.applyMemoryBytes);
  const headerOffset = PREAMBLE_LENGTH + before - lengths.remaining;
  const literalsOffset = headerOffset + headerPacked;
  const patchesOffset = literalsOffset + literalsPacked;
  if (patchesOffset > size) throw damaged('lengths exceed the file');

  const packed = await readExactly(file, headerOffset, headerPacked);
  const header = decodeHeader(expandFrame(packed, null, headerLength));
  checkConsistency(header);
  checkMemory(header, literalsLength);
  const patches = { offset: patchesOffset, length: size - patchesOffset };
  const used = (lengthOf: (operation: Operation) => number): number =>
    header.operations.reduce((sum, operation) => sum + lengthOf(operation), 0);
  if (used((operation) => operation.patchLength) !== patches.length) {
    throw damaged('patches have another length than the operations use');
  }
  if (used((op) => (op.method === 'literal' ? op.contentLength : 0)) !== literalsLength) {
    throw damaged('literals have another length than the operations use');
  }
  const literals = { offset: literalsOffset, packed: literalsPacked, length: literalsLength };
  return { header, size, file, literals, patches };
}

async function verifyChecksum(path: string, expected: Uint8Array): Promise<void> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path, { start: PREAMBLE_LENGTH })) {
    hash.update(chunk as Buffer);
  }
  if (!hash.digest().subarray(0, CHECKSUM_LENGTH).equals(expected)) {
    throw damaged(`${path}: checksum differs`);
  }
}

function checkMemory(header: DeltaHeader, literalsLength: number): void {
  if (memoryNeeded(header, literalsLength) > header.memoryBytes) {
    throw damaged('needs more memory than it declares');
  }
  if (header.memoryBytes > LIMITS.applyMemoryBytes) {
    const mib = Math.ceil(header.memoryBytes / 2 ** 20);
    throw new DebshoalError('limit-exceeded', `applying this delta needs ${mib} MiB of memory`);
  }
}

function encodeHeader(header: DeltaHeader): Buffer {
  const out = new ByteWriter();
  out.text(header.package);
  out.text(header.architecture);
  out.text(header.oldVersion);
  out.text(header.newVersion);
  out.varint(header.target.size);
  out.bytes(Buffer.from(header.target.sha256, 'hex'));
  out.varint(header.memoryBytes);
  out.bytes(Buffer.from(header.fileList, 'hex'));
  out.varint(header.parts.length);
  for (const part of header.parts) encodePart(part, out);
  out.varint(header.sources.length);
  encodeSources(header.sources, out);
  encodeDictionary(header.dictionary, out);
  out.varint(header.operations.length);
  for (const operation of header.operations) encodeOperation(operation, out);
  return out.finish();
}

function decodeHeader(bytes: Buffer): DeltaHeader {
  const input = new ByteReader(bytes);
  const times = <T>(max: number, decode: () => T): T[] =>
    Array.from({ length: input.varint(max) }, decode);
  // Checked, for they go to terminals and into names of files.
  const name = (isValid: (text: string) => boolean): string => {
    const text = input.text(MAX_NAME);
    if (!isValid(text)) throw damaged('not the name or version of a package');
    return text;
  };
  const header: DeltaHeader = {
    package: name(isPackageName),
    architecture: name(isArchitecture),
    oldVersion: name(isVersion),
    newVersion: name(isVersion),
    target: { size: input.varint(LIMITS.debBytes), sha256: input.bytes(32).toString('hex') },
    memoryBytes: input.varint(Number.MAX_SAFE_INTEGER),
    fileList: input.bytes(FINGERPRINT_LENGTH).toString('hex'),
    parts: times(64, () => decodePart(input)),
    sources: decodeSources(input),
    dictionary: decodeDictionary(input),
    operations: times(2 * LIMITS.deltaSources, () => decodeOperation(input)),
  };
  input.expectEnd();
  return header;
}

function encodePart(part: TargetPart, out: ByteWriter): void {
  out.byte(part.kind === 'literal' ? 0 : 1);
  out.varint(part.length);
  if (part.kind === 'member') encodeRecipe(part.recipe, out);
}

function decodePart(input: ByteReader): TargetPart {
  const kind = input.byte();
  if (kind > 1) throw damaged('unknown part');
  const length = input.varint(LIMITS.dataTarBytes);
  return kind === 0
    ? { kind: 'literal', length }
    : { kind: 'member', length, recipe: decodeRecipe(input) };
}

/** Columns, so that the incompressible fingerprints do not stand between the small numbers. */
function encodeSources(sources: readonly SourceFile[], out: ByteWriter): void {
  for (const source of sources) {
    out.varint(source.place * 2 + (source.member === 'control' ? 1 : 0));
  }
  for (const source of sources) out.varint(source.size);
  for (const source of sources) out.bytes(Buffer.from(source.fingerprint, 'hex'));
}

function decodeSources(input: ByteReader): SourceFile[] {
  const places = Array.from({ length: input.varint(LIMITS.deltaSources) }, () =>
    input.varint(2 ** 32),
  );
  const sizes = places.map(() => input.varint(LIMITS.dataTarBytes));
  return places.map((place, index) => ({
    member: place % 2 === 1 ? 'control' : 'data',
    place: Math.floor(place / 2),
    size: sizes[index] ?? 0,
    fingerprint: input.bytes(FINGERPRINT_LENGTH).toString('hex'),
  }));
}

function encodeDictionary({ length, parts }: LiteralDictionary, out: ByteWriter): void {
  out.varint(length);
  out.varint(parts.length);
  for (const part of parts) out.varint(part.source * 2 + (part.openSource ? 1 : 0));
}

function decodeDictionary(input: ByteReader): LiteralDictionary {
  const length = input.varint(LIMITS.zstdDictionaryBytes);
  const parts = Array.from({ length: input.varint(LIMITS.deltaSources) }, () => {
    const value = input.varint(2 ** 32);
    return { source: Math.floor(value / 2), openSource: value % 2 === 1 };
  });
  return { length, parts };
}

function decodeOptionalIndex(input: ByteReader): number | null {
  const value = input.varint(2 ** 32);
  return value === 0 ? null : value - 1;
}

const OPEN_SOURCE = 0x08;
const GZIP_RESULT = 0x10;

function encodeOperation(operation: Operation, out: ByteWriter): void {
  const method = METHODS.indexOf(operation.method);
  const flags = (operation.openSource ? OPEN_SOURCE : 0) | (operation.gzip ? GZIP_RESULT : 0);
  out.byte(method | flags);
  out.varint(operation.contentLength);
  if (operation.method !== 'literal') {
    out.varint(operation.source === null ? 0 : operation.source + 1);
  }
  if (operation.method === 'bsdiff' || operation.method === 'zstd') {
    out.varint(operation.patchLength);
  }
  if (operation.gzip) {
    out.varint(operation.gzip.packedLength);
    encodeRecipe(operation.gzip.recipe, out);
  }
}

function decodeOperation(input: ByteReader): Operation {
  const byte = input.byte();
  const method = METHODS[byte & 0x07];
  if (method === undefined || (byte & ~(0x07 | OPEN_SOURCE | GZIP_RESULT)) !== 0) {
    throw damaged(`unknown operation ${byte}`);
  }
  const contentLength = input.varint(LIMITS.dataTarBytes);
  const source = method === 'literal' ? null : decodeOptionalIndex(input);
  const hasPatch = method === 'bsdiff' || method === 'zstd';
  const patchLength = hasPatch ? input.varint(LIMITS.deltaBytes) : 0;
  const openSource = (byte & OPEN_SOURCE) !== 0;
  if ((byte & GZIP_RESULT) === 0) {
    return { method, contentLength, source, openSource, patchLength, gzip: null };
  }
  const packedLength = input.varint(LIMITS.nestedGzipBytes);
  const recipe = decodeRecipe(input);
  if (recipe.kind !== 'gzip') throw damaged('a nested recipe that is not gzip');
  return { method, contentLength, source, openSource, patchLength, gzip: { recipe, packedLength } };
}

function damaged(what: string): DebshoalError {
  return new DebshoalError('delta-damaged', what);
}
