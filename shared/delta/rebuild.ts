import { open, type FileHandle } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';

import { compress } from '../deb/compression.js';
import { DebshoalError } from '../errors.js';
import { withTemporaryFolder, writeAtomically } from '../io/files.js';
import { hashFile, type Sha256 } from '../io/hash.js';
import { writeExactly } from '../io/write-exactly.js';
import { packMany, type PackMany } from '../nested/pack.js';
import { openDelta, type OpenDelta } from './container.js';
import type { DeltaHeader, MemberPart } from './delta.js';
import { predictEnvelope } from './envelope.js';
import { decodeFingerprints } from './fingerprints.js';
import { checkOldPackage, type OldPackage } from './old-package.js';
import { openTarMaker, type TarMaker } from './tar-maker.js';

/** Turns the raw bytes of a member into its compressed bytes. */
export type CompressMember = (
  part: MemberPart,
  raw: AsyncIterable<Uint8Array>,
) => AsyncIterable<Uint8Array>;

export interface RebuildOptions {
  /** What the delta must lead to; checked before any work, `index-mismatch` otherwise. */
  readonly expected?: { readonly sha256: Sha256; readonly size: number };
  readonly compressMember?: CompressMember;
  /** Packs streams within files, `packMany` by default. */
  readonly packNested?: PackMany;
  readonly signal?: AbortSignal | undefined;
  /** Where temporary files go; the system's temporary folder by default. */
  readonly temporaryParent?: string;
}

export interface RebuildResult {
  readonly seconds: {
    readonly total: number;
    /** Making the tars: reading old files, decoding, predicting, folding. */
    readonly decode: number;
    /** What the encoders took beyond that, i.e. the price of bit-exact compression. */
    readonly recompress: number;
  };
}

/**
 * Rebuilds the .deb of `deltaPath` from `old` into `target`: streamed, checked against the hash in
 * the delta, and moved into place only then. Nothing of a failed rebuild stays.
 */
export async function rebuildDeb(
  deltaPath: string,
  old: OldPackage,
  target: string,
  options: RebuildOptions = {},
): Promise<RebuildResult> {
  const started = performance.now();
  const delta = await openDelta(deltaPath);
  checkTarget(delta.header, options.expected);
  const fingerprints = decodeFingerprints(delta.streams.get('fingerprints') ?? Buffer.alloc(0));
  const checked = await checkOldPackage(delta.header, fingerprints, old);
  return withTemporaryFolder(
    (folder) =>
      writeAtomically(target, async (path) => {
        const tars = await openTarMaker(delta, checked, folder, options.packNested ?? packMany);
        try {
          const recompress = await writeDeb(delta, tars, path, options);
          const total = (performance.now() - started) / 1000;
          return { seconds: { total, decode: total - recompress, recompress } };
        } finally {
          await tars.close();
        }
      }),
    options.temporaryParent,
  );
}

function checkTarget({ target }: DeltaHeader, expected: RebuildOptions['expected']): void {
  if (expected === undefined) return;
  if (target.sha256 !== expected.sha256 || target.size !== expected.size) {
    throw new DebshoalError(
      'index-mismatch',
      'the delta rebuilds another .deb than its index says',
    );
  }
}

/** Writes all parts to their places, data.tar before control.tar; the encoders' seconds. */
async function writeDeb(
  delta: OpenDelta,
  tars: TarMaker,
  path: string,
  options: RebuildOptions,
): Promise<number> {
  const { header } = delta;
  const compressMember = options.compressMember ?? ((part, raw) => compress(part.recipe, raw));
  const placed = placeParts(header);
  let recompress = 0;
  const file = await open(path, 'wx');
  try {
    for (const name of ['data', 'control'] as const) {
      for (const { part, at } of placed) {
        if (part.kind === 'literal' || part.name !== name) continue;
        const started = performance.now();
        const raw = new TimedBytes(name === 'data' ? tars.data(part) : tars.control(part));
        const packed = compressMember(part, raw);
        await writeMember(file, at, part, packed, options.signal);
        recompress += performance.now() - started - raw.waited;
      }
    }
    await writeLiterals(file, delta);
  } finally {
    await file.close();
  }
  tars.expectEnd();
  const result = await hashFile(path);
  if (result.sha256 !== header.target.sha256 || result.size !== header.target.size) {
    throw mismatch('the rebuilt .deb differs from the published one');
  }
  return recompress / 1000;
}

function placeParts({ parts }: DeltaHeader): { part: DeltaHeader['parts'][number]; at: number }[] {
  let end = 0;
  return parts.map((part) => {
    const at = end;
    end += part.kind === 'literal' ? part.length : part.packedLength;
    return { part, at };
  });
}

async function writeMember(
  file: FileHandle,
  start: number,
  part: MemberPart,
  packed: AsyncIterable<Uint8Array>,
  signal: AbortSignal | undefined,
): Promise<void> {
  let at = start;
  const write = async (chunks: AsyncIterable<Uint8Array>): Promise<void> => {
    for await (const chunk of chunks) {
      await writeExactly(file, chunk, at);
      at += chunk.length;
    }
  };
  await pipeline(packed, exactLength(part.packedLength), write, { signal });
}

/** Stops an output that differs in length from what the delta declares. */
function exactLength(expected: number) {
  return async function* (input: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    let length = 0;
    for await (const chunk of input) {
      length += chunk.length;
      if (length > expected) throw mismatch('a rebuilt member is larger than declared');
      yield chunk;
    }
    if (length !== expected) throw mismatch('a rebuilt member is smaller than declared');
  };
}

async function writeLiterals(file: FileHandle, { header, streams }: OpenDelta): Promise<void> {
  const envelope = streams.get('envelope') ?? predictEnvelope(header.parts, header.timestamp);
  let from = 0;
  for (const { part, at } of placeParts(header)) {
    if (part.kind === 'member') continue;
    const bytes = envelope.subarray(from, from + part.length);
    if (bytes.length !== part.length) {
      throw new DebshoalError('delta-damaged', 'the bytes around the members end too early');
    }
    await writeExactly(file, bytes, at);
    from += part.length;
  }
}

function mismatch(what: string): DebshoalError {
  return new DebshoalError('hash-mismatch', what, { hint: 'use the full .deb' });
}

/** Chunks as they come, and the time that was spent waiting for them. */
class TimedBytes implements AsyncIterable<Uint8Array> {
  readonly #chunks: AsyncIterable<Uint8Array>;
  /** Milliseconds. */
  waited = 0;

  constructor(chunks: AsyncIterable<Uint8Array>) {
    this.#chunks = chunks;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    const chunks = this.#chunks[Symbol.asyncIterator]();
    for (;;) {
      const started = performance.now();
      const next = await chunks.next();
      this.waited += performance.now() - started;
      if (next.done) return;
      yield next.value;
    }
  }
}
