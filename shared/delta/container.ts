import { createHash } from 'node:crypto';

import { isArchitecture, isPackageName } from '../deb/control.js';
import { decodeRecipe, encodeRecipe } from '../deb/recipe.js';
import { isVersion } from '../deb/version.js';
import { DebshoalError } from '../errors.js';
import { ByteReader, ByteWriter } from '../io/byte-codec.js';
import { readBounded } from '../io/files.js';
import { LIMITS } from '../limits.js';
import { packStreams } from '../streams/pack-streams.js';
import type { StreamName } from '../streams/stream-names.js';
import {
  describeStreams,
  unpackStreams,
  type StreamDescription,
} from '../streams/unpack-streams.js';
import { CONTROL_SOURCES, memoryNeeded, type DeltaHeader, type TargetPart } from './delta.js';

/* The codec of FORMAT.md, version 1. Encoding and decoding of each structure stand together. */

const MAGIC = Buffer.from('dSh');
const VERSION = 1;
const CHECKSUM_LENGTH = 8;
const PREAMBLE_LENGTH = MAGIC.length + 1 + CHECKSUM_LENGTH;
const IDENTITY_LENGTH = 8;
const MAX_NAME = 1024;
const MAX_PARTS = 64;

export type DeltaStreams = ReadonlyMap<StreamName, Buffer>;

export interface DeltaContent {
  readonly header: DeltaHeader;
  /** All streams but that of the header. */
  readonly streams: DeltaStreams;
}

/** A delta file that was read and whose header was checked. */
export interface OpenDelta extends DeltaContent {
  readonly size: number;
  /** Where the bytes of the file went. */
  readonly described: readonly StreamDescription[];
}

/**
 * `fast`: coders that expand tens of MB a second. `small`: also the mixing coder, which expands
 * half a MB; deltas are a tenth smaller.
 */
export const CODINGS = ['fast', 'small'] as const;

export type Coding = (typeof CODINGS)[number];

/** What expanding may take with the mixing coder. */
const MIXING_MS: Readonly<Record<Coding, number>> = { fast: 0, small: 4000 };

/** Encodes a whole delta. Deterministic. */
export async function encodeDelta(
  { header, streams }: DeltaContent,
  coding: Coding = 'fast',
): Promise<Buffer> {
  const named = [...streams].map(([name, bytes]) => ({ name, bytes }));
  const body = await packStreams([{ name: 'header', bytes: encodeHeader(header) }, ...named], {
    decodeBudgetMs: MIXING_MS[coding],
  });
  return Buffer.concat([MAGIC, Buffer.from([VERSION]), checksum(body), body]);
}

/** Where the bytes of an encoded delta went, without expanding it. */
export function describeEncoded(delta: Uint8Array): StreamDescription[] {
  return describeStreams(delta.subarray(PREAMBLE_LENGTH), STREAM_LIMITS);
}

/**
 * Reads a delta file: its checksum before anything in it is interpreted, then its streams and its
 * header. `delta-damaged`, `delta-unsupported` or `limit-exceeded`.
 */
export async function openDelta(path: string): Promise<OpenDelta> {
  const { body, size } = await readBody(path);
  const described = describeStreams(body, STREAM_LIMITS);
  const streams = await unpackStreams(body, STREAM_LIMITS);
  const header = decodeHeader(streams.get('header') ?? Buffer.alloc(0));
  streams.delete('header');
  checkMemory(header, described);
  return { header, streams, size, described };
}

/** The header alone, and the size of the file; errors as with `openDelta`. */
export async function readDeltaHeader(path: string): Promise<Pick<OpenDelta, 'header' | 'size'>> {
  const { body, size } = await readBody(path);
  const streams = await unpackStreams(body, STREAM_LIMITS, 'header');
  const header = decodeHeader(streams.get('header') ?? Buffer.alloc(0));
  checkMemory(header, describeStreams(body, STREAM_LIMITS));
  return { header, size };
}

const STREAM_LIMITS = { expandedBytes: LIMITS.deltaStreamBytes };

async function readBody(path: string): Promise<{ body: Buffer; size: number }> {
  const bytes = await readBounded(path, LIMITS.deltaBytes);
  if (bytes.length <= PREAMBLE_LENGTH) {
    throw damaged(`${path} is no delta: only ${bytes.length} bytes`);
  }
  if (!bytes.subarray(0, MAGIC.length).equals(MAGIC)) throw damaged(`${path} is no delta`);
  const version = bytes[MAGIC.length] ?? 0;
  if (version !== VERSION) {
    throw new DebshoalError('delta-unsupported', `${path} has format ${version}`, {
      hint: `this debshoal reads format ${VERSION}`,
    });
  }
  const body = bytes.subarray(PREAMBLE_LENGTH);
  if (!checksum(body).equals(bytes.subarray(MAGIC.length + 1, PREAMBLE_LENGTH))) {
    throw damaged(`${path}: checksum differs`);
  }
  return { body, size: bytes.length };
}

function checksum(body: Uint8Array): Buffer {
  return createHash('sha256').update(body).digest().subarray(0, CHECKSUM_LENGTH);
}

/** What the header alone tells of the need must be declared: above all the encoders of its recipes. */
function checkMemory(
  { memoryBytes, parts }: DeltaHeader,
  described: readonly StreamDescription[],
): void {
  const streams = described.reduce((sum, stream) => sum + stream.expandedBytes, 0);
  const needed = memoryNeeded({ streams, madeFile: 0, oldFiles: 0, elfPair: 0 }, parts);
  if (needed > memoryBytes) throw damaged('needs more memory than it declares');
  if (memoryBytes > LIMITS.applyMemoryBytes) {
    const mib = Math.ceil(memoryBytes / 2 ** 20);
    throw new DebshoalError('limit-exceeded', `applying this delta needs ${mib} MiB of memory`);
  }
}

function encodeHeader(header: DeltaHeader): Buffer {
  const out = new ByteWriter();
  out.text(header.package);
  out.text(header.architecture);
  // No name, the usual: the same.
  out.text(header.oldPackage === header.package ? '' : header.oldPackage);
  out.text(header.oldVersion);
  out.text(header.newVersion);
  out.varint(header.target.size);
  out.bytes(Buffer.from(header.target.sha256, 'hex'));
  out.varint(header.expanded.size);
  out.bytes(Buffer.from(header.expanded.sha256, 'hex'));
  out.varint(Math.ceil(header.memoryBytes / MIB));
  out.bytes(Buffer.from(header.oldIdentity, 'hex'));
  out.varint([...header.oldControlFiles].reduce((mask, number) => mask + 2 ** number, 0));
  out.varint(header.timestamp);
  out.varint(header.parts.length);
  for (const part of header.parts) encodePart(part, out);
  return out.finish();
}

const MIB = 2 ** 20;

function decodeHeader(bytes: Buffer): DeltaHeader {
  const input = new ByteReader(bytes);
  // Checked, for they go to terminals and into names of files.
  const name = (isValid: (text: string) => boolean): string => {
    const text = input.text(MAX_NAME);
    if (!isValid(text)) throw damaged('not the name or version of a package');
    return text;
  };
  const ofNew = { package: name(isPackageName), architecture: name(isArchitecture) };
  const header: DeltaHeader = {
    ...ofNew,
    oldPackage: name((text) => text === '' || isPackageName(text)) || ofNew.package,
    oldVersion: name(isVersion),
    newVersion: name(isVersion),
    target: { size: input.varint(LIMITS.debBytes), sha256: input.bytes(32).toString('hex') },
    expanded: {
      size: input.varint(LIMITS.expandedDebBytes),
      sha256: input.bytes(32).toString('hex'),
    },
    memoryBytes: input.varint(2 ** 32) * MIB,
    oldIdentity: input.bytes(IDENTITY_LENGTH).toString('hex'),
    oldControlFiles: decodeMask(input.varint(2 ** CONTROL_SOURCES.length - 1)),
    timestamp: input.varint(Number.MAX_SAFE_INTEGER),
    parts: Array.from({ length: input.varint(MAX_PARTS) }, () => decodePart(input)),
  };
  input.expectEnd();
  checkParts(header);
  return header;
}

function decodeMask(mask: number): Set<number> {
  return new Set(CONTROL_SOURCES.flatMap((_, number) => (mask & (1 << number) ? [number] : [])));
}

/** The parts are those of a .deb, and fill it exactly. */
function checkParts({ parts, target }: DeltaHeader): void {
  const members = parts.flatMap((part) => (part.kind === 'member' ? [part.name] : []));
  if (members.join() !== 'control,data') throw damaged('not the members of a .deb');
  const length = parts.reduce(
    (sum, part) => sum + (part.kind === 'member' ? part.packedLength : part.length),
    0,
  );
  if (length !== target.size) throw damaged('parts and target have different lengths');
}

const PART_KINDS = ['literal', 'control', 'data'] as const;
/** Added to the kind of a member that comes without a recipe. */
const NO_RECIPE = 2;

function encodePart(part: TargetPart, out: ByteWriter): void {
  const kind = PART_KINDS.indexOf(part.kind === 'literal' ? 'literal' : part.name);
  out.byte(part.kind === 'member' && part.recipe === null ? kind + NO_RECIPE : kind);
  out.varint(part.length);
  if (part.kind === 'literal') return;
  out.varint(part.packedLength);
  if (part.recipe !== null) encodeRecipe(part.recipe, out);
}

function decodePart(input: ByteReader): TargetPart {
  const number = input.byte();
  const hasRecipe = number < PART_KINDS.length;
  const kind = PART_KINDS[hasRecipe ? number : number - NO_RECIPE];
  if (kind === undefined) throw damaged('unknown part');
  if (kind === 'literal') return { kind, length: input.varint(LIMITS.literalPartBytes) };
  return {
    kind: 'member',
    name: kind,
    length: input.varint(LIMITS.dataTarBytes),
    packedLength: input.varint(LIMITS.debBytes),
    recipe: hasRecipe ? decodeRecipe(input) : null,
  };
}

function damaged(what: string): DebshoalError {
  return new DebshoalError('delta-damaged', what);
}
