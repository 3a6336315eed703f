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
import { gather } from '../io/gather.js';
import { hashFile } from '../io/hash.js';
import { SequentialWriter } from '../io/sequential-writer.js';
import { writeExactly } from '../io/write-exactly.js';
import { packMany, type PackMany } from '../nested/pack.js';
import { openDelta, type OpenDelta } from './container.js';
import {
  formOf,
  hasExactForm,
  type DeltaHeader,
  type FileIdentity,
  type MemberPart,
  type PackedPart,
} from './delta.js';
import { readEnvelope } from './envelope.js';
import { decodeFingerprints } from './fingerprints.js';
import { checkOldPackage, type OldPackage } from './old-package.js';
import { PhaseClock, type RebuildSeconds } from './phase-clock.js';
import { openTarMaker, type TarMaker } from './tar-maker.js';

/** Turns the raw bytes of a member into its compressed bytes. */
export type CompressMember = (
  part: PackedPart,
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
  readonly seconds: RebuildSeconds;
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
  const clock = new PhaseClock();
  const delta = await openDelta(deltaPath);
  checkForm(delta.header, options);
  const fingerprints = decodeFingerprints(delta.streams.get('fingerprints') ?? Buffer.alloc(0));
  const checked = await checkOldPackage(delta.header, fingerprints, clock.reading(old));
  try {
    await withTemporaryFolder(
      (folder) =>
        writeAtomically(target, async (path) => {
          const tars = await openTarMaker(delta, checked, folder, options.packNested ?? packMany);
          try {
            await writeDeb(delta, tars, path, { ...options, clock });
          } finally {
            await tars.close();
          }
        }),
      options.temporaryParent,
    );
  } catch (error) {
    if (options.signal?.aborted !== true) await checked.expectUnmodified();
    throw error;
  }
  return { seconds: clock.finish(options.form !== 'expanded') };
}

function checkForm(header: DeltaHeader, { form = 'exact', expected }: RebuildOptions): void {
  if (form === 'exact' && !hasExactForm(header.parts)) {
    throw new DebshoalError('deb-unreproducible', 'no encoder of ours gives the published .deb', {
      hint: 'ask for the expanded form, or use the full .deb',
    });
  }
  if (expected === undefined) return;
  const wanted = formOf(header, form);
  if (wanted.sha256 !== expected.sha256 || wanted.size !== expected.size) {
    throw new DebshoalError(
      'index-mismatch',
      'the delta rebuilds another .deb than its index says',
    );
  }
}

/** Writes all pieces to their places, data.tar before control.tar, and checks the result. */
async function writeDeb(
  delta: OpenDelta,
  tars: TarMaker,
  path: string,
  options: RebuildOptions & { readonly clock: PhaseClock },
): Promise<void> {
  const { clock, signal } = options;
  const wanted = formOf(delta.header, options.form ?? 'exact');
  const compressMember = memberWriter(options);
  const placed = placePieces(delta, wanted.size, options);
  const file = await open(path, 'wx');
  try {
    for (const name of ['data', 'control'] as const) {
      for (const { piece, at } of placed) {
        if (piece.kind === 'literal' || piece.member.name !== name) continue;
        const { member } = piece;
        const tar = name === 'data' ? tars.data(member) : tars.control(member);
        const content = compressMember(member, clock.waitingFor('tars', tar));
        const destination = { file, at, length: piece.length };
        await clock.during('members', () => writeMember(destination, content, clock, signal));
      }
    }
    for (const { piece, at } of placed) {
      if (piece.kind === 'literal') await writeExactly(file, piece.bytes, at);
    }
  } finally {
    await file.close();
  }
  tars.expectEnd();
  const result = await clock.during('hash', () => hashFile(path));
  if (result.sha256 !== wanted.sha256 || result.size !== wanted.size) {
    throw mismatch('the rebuilt .deb differs from the published one');
  }
}

/** Turns tars into what stands in the form. */
function memberWriter({
  form,
  compressMember,
}: RebuildOptions): (
  part: MemberPart,
  raw: AsyncIterable<Uint8Array>,
) => AsyncIterable<Uint8Array> {
  if (form === 'expanded') return (_part, raw) => raw;
  const pack = compressMember ?? ((part, raw) => compress(part.recipe, raw));
  return (part, raw) => {
    const { recipe } = part;
    if (recipe === null) throw new Error('checkForm saw a recipe for each member');
    return pack({ ...part, recipe }, gather(raw, ENCODER_CHUNK_BYTES));
  };
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

/** Large enough that headers and small files do not each wake the encoder. */
const ENCODER_CHUNK_BYTES = 256 * 1024;

async function writeMember(
  { file, at, length }: { file: FileHandle; at: number; length: number },
  content: AsyncIterable<Uint8Array>,
  clock: PhaseClock,
  signal: AbortSignal | undefined,
): Promise<void> {
  const writer = new SequentialWriter(file, at);
  const write = async (chunks: AsyncIterable<Uint8Array>): Promise<void> => {
    for await (const chunk of chunks) await clock.during('write', () => writer.write(chunk));
    await clock.during('write', () => writer.flush());
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
