import { open, type FileHandle } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';

import { compress } from '../deb/compression.js';
import {
  exactForm,
  expandedForm,
  formSize,
  type DebForm,
  type DebPiece,
} from '../deb/deb-forms.js';
import { DebshoalError } from '../errors.js';
import { withTemporaryFolder, writeAtomically } from '../io/files.js';
import { hashFile } from '../io/hash.js';
import { writeExactly } from '../io/write-exactly.js';
import { packMany, type PackMany } from '../nested/pack.js';
import { openDelta, type OpenDelta } from './container.js';
import { formOf, type FileIdentity, type MemberPart } from './delta.js';
import { readEnvelope } from './envelope.js';
import { decodeFingerprints } from './fingerprints.js';
import { checkOldPackage, type OldPackage } from './old-package.js';
import { openTarMaker, type TarMaker } from './tar-maker.js';

/** Turns the raw bytes of a member into its compressed bytes. */
export type CompressMember = (
  part: MemberPart,
  raw: AsyncIterable<Uint8Array>,
) => AsyncIterable<Uint8Array>;

export interface RebuildOptions {
  /** `exact` by default. In the expanded form no encoder runs. */
  readonly form?: DebForm;
  /** What the form must be; checked before any work, `index-mismatch` otherwise. */
  readonly expected?: FileIdentity;
  /** For the exact form. */
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
    /** Beyond that: what the encoders took, the price of the exact form, and writing. */
    readonly recompress: number;
  };
}

/**
 * Rebuilds a form of the .deb of `deltaPath` from `old` into `target`: streamed, checked against the
 * hash in the delta, and moved into place only then. Nothing of a failed rebuild stays.
 */
export async function rebuildDeb(
  deltaPath: string,
  old: OldPackage,
  target: string,
  options: RebuildOptions = {},
): Promise<RebuildResult> {
  const started = performance.now();
  const delta = await openDelta(deltaPath);
  checkTarget(formOf(delta.header, options.form ?? 'exact'), options.expected);
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

function checkTarget(wanted: FileIdentity, expected: RebuildOptions['expected']): void {
  if (expected === undefined) return;
  if (wanted.sha256 !== expected.sha256 || wanted.size !== expected.size) {
    throw new DebshoalError(
      'index-mismatch',
      'the delta rebuilds another .deb than its index says',
    );
  }
}

/** Writes all pieces to their places, data.tar before control.tar; the encoders' seconds. */
async function writeDeb(
  delta: OpenDelta,
  tars: TarMaker,
  path: string,
  options: RebuildOptions,
): Promise<number> {
  const wanted = formOf(delta.header, options.form ?? 'exact');
  const compressMember = memberWriter(options);
  const placed = placePieces(delta, wanted.size, options);
  let recompress = 0;
  const file = await open(path, 'wx');
  try {
    for (const name of ['data', 'control'] as const) {
      for (const { piece, at } of placed) {
        if (piece.kind === 'literal' || piece.member.name !== name) continue;
        const started = performance.now();
        const { member } = piece;
        const raw = new TimedBytes(name === 'data' ? tars.data(member) : tars.control(member));
        const written = compressMember(member, raw);
        await writeMember(file, at, piece.length, written, options.signal);
        recompress += performance.now() - started - raw.waited;
      }
    }
    for (const { piece, at } of placed) {
      if (piece.kind === 'literal') await writeExactly(file, piece.bytes, at);
    }
  } finally {
    await file.close();
  }
  tars.expectEnd();
  const result = await hashFile(path);
  if (result.sha256 !== wanted.sha256 || result.size !== wanted.size) {
    throw mismatch('the rebuilt .deb differs from the published one');
  }
  return recompress / 1000;
}

function memberWriter({ form, compressMember }: RebuildOptions): CompressMember {
  if (form === 'expanded') return (_part, raw) => raw;
  return compressMember ?? ((part, raw) => compress(part.recipe, raw));
}

interface PlacedPiece {
  readonly piece: DebPiece<MemberPart>;
  readonly at: number;
}

function placePieces(delta: OpenDelta, size: number, { form }: RebuildOptions): PlacedPiece[] {
  const exact = exactForm(delta.header.parts, readEnvelope(delta));
  const pieces = form === 'expanded' ? expandedForm(exact) : exact;
  if (formSize(pieces) !== size) throw damaged('parts and target have different lengths');
  let end = 0;
  return pieces.map((piece) => {
    const at = end;
    end += piece.kind === 'literal' ? piece.bytes.length : piece.length;
    return { piece, at };
  });
}

async function writeMember(
  file: FileHandle,
  start: number,
  length: number,
  content: AsyncIterable<Uint8Array>,
  signal: AbortSignal | undefined,
): Promise<void> {
  let at = start;
  const write = async (chunks: AsyncIterable<Uint8Array>): Promise<void> => {
    for await (const chunk of chunks) {
      await writeExactly(file, chunk, at);
      at += chunk.length;
    }
  };
  await pipeline(content, exactLength(length), write, { signal });
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

function damaged(what: string): DebshoalError {
  return new DebshoalError('delta-damaged', what);
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
