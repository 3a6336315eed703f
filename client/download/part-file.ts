import {
  constants,
  copyFile,
  lstat,
  mkdir,
  open,
  readdir,
  rename,
  rm,
  type FileHandle,
} from 'node:fs/promises';
import { dirname, join } from 'node:path';

import { z } from 'zod';

import { DebshoalError } from '../../shared/errors.js';
import { isErrno } from '../../shared/io/errno.js';
import {
  addRange,
  commonRanges,
  countBytes,
  missingRanges,
  type ByteRange,
  type ByteRanges,
} from '../../shared/io/byte-ranges.js';
import { readBounded, writeAtomically, writeFileAtomically } from '../../shared/io/files.js';
import { hashFile, SHA256_PATTERN, type Sha256 } from '../../shared/io/hash.js';
import { writeExactly } from '../../shared/io/write-exactly.js';

const MAX_SIDECAR_BYTES = 4 * 1024 * 1024;
const SAVE_INTERVAL = 2000;

const sidecarSchema = z.strictObject({
  version: z.literal(1),
  size: z.number().int().nonnegative(),
  held: z.array(z.tuple([z.number().int().nonnegative(), z.number().int().positive()])),
});

/**
 * An object on its way: `<sha256>.part` at full length with holes, beside it `<sha256>.part.json`
 * with the ranges that are held. What they claim is proven only by the SHA-256 of the whole.
 */
export interface PartFile {
  readonly path: string;
  readonly missing: () => ByteRanges;
  readonly complete: () => boolean;
  /** Writes bytes and marks them; returns how many of them were new. */
  readonly write: (offset: number, bytes: Uint8Array) => Promise<number>;
  /** Marks bytes that another process has written; returns how many of them were new. */
  readonly mark: (range: ByteRange) => number;
  /** Forgets everything, to start again in another file: peers may still read the old one. */
  readonly reset: () => Promise<void>;
  /** True when the content has the wanted SHA-256. */
  readonly verify: (signal?: AbortSignal) => Promise<boolean>;
  /** Moves the finished content to `target`, synced. */
  readonly moveTo: (target: string) => Promise<void>;
  /** Saves the ranges for the next run and closes. */
  readonly close: () => Promise<void>;
}

/** Opens or resumes the part file of an object in `folder`, which exists. */
export async function openPartFile(
  folder: string,
  sha256: Sha256,
  size: number,
): Promise<PartFile> {
  if (!SHA256_PATTERN.test(sha256)) throw new DebshoalError('usage', `no SHA-256: ${sha256}`);
  const path = join(folder, `${sha256}.part`);
  const sidecar = `${path}.json`;
  // The folder may be shared: never write through somebody's symbolic link.
  const flags = constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW;
  let file = await open(path, flags, 0o644);
  let held = await resume(file, sidecar, size);
  let heldBytes = countBytes(held);
  let savedAt = Date.now();
  let saving = Promise.resolve();
  let finished = false;

  const save = (): void => {
    savedAt = Date.now();
    const content = JSON.stringify({ version: 1, size, held: held.map((r) => [r.start, r.end]) });
    // A sidecar that cannot be written costs a second download, no more.
    saving = saving.then(() => writeFileAtomically(sidecar, content)).catch(() => undefined);
  };
  const mark = (range: ByteRange): number => {
    const before = heldBytes;
    held = addRange(held, range);
    heldBytes = countBytes(held);
    if (Date.now() - savedAt > SAVE_INTERVAL) save();
    return heldBytes - before;
  };

  return {
    path,
    missing: () => missingRanges(held, size),
    complete: () => heldBytes === size,
    mark,
    write: async (offset, bytes) => {
      const range = { start: offset, end: offset + bytes.length };
      // What peers have written is verified already, and a server may lie.
      for (const { start, end } of commonRanges(missingRanges(held, size), [range])) {
        await writeExactly(file, bytes.subarray(start - offset, end - offset), start);
      }
      return mark(range);
    },
    reset: async () => {
      held = [];
      heldBytes = 0;
      await file.close();
      await rm(path, { force: true });
      file = await open(path, flags | constants.O_EXCL, 0o644);
      await file.truncate(size);
    },
    verify: async (signal) => (await hashFile(path, signal)).sha256 === sha256,
    moveTo: async (target) => {
      await file.sync();
      await mkdir(dirname(target), { recursive: true });
      await moveAcross(path, target);
      finished = true;
    },
    close: async () => {
      if (!finished) save();
      await saving;
      await file.close();
      if (finished) await rm(sidecar, { force: true });
    },
  };
}

/** A sidecar that is missing, damaged or of another size means: nothing is held. */
async function resume(file: FileHandle, sidecar: string, size: number): Promise<ByteRanges> {
  const found = (await file.stat()).size;
  const held = found === size ? await readSidecar(sidecar, size) : [];
  if (found !== size) {
    if (found > 0) await file.truncate(0);
    await file.truncate(size);
  }
  return held;
}

async function readSidecar(sidecar: string, size: number): Promise<ByteRanges> {
  try {
    const text = (await readBounded(sidecar, MAX_SIDECAR_BYTES)).toString('utf8');
    const parsed = sidecarSchema.parse(JSON.parse(text));
    if (parsed.size !== size) return [];
    let held: ByteRanges = [];
    for (const [start, end] of parsed.held) {
      if (start >= end || end > size) return [];
      held = addRange(held, { start, end });
    }
    return held;
  } catch {
    return [];
  }
}

/** Renames, or copies when the target lies on another file system. */
async function moveAcross(path: string, target: string): Promise<void> {
  try {
    await rename(path, target);
  } catch (error) {
    if (!isErrno(error, 'EXDEV')) throw error;
    await writeAtomically(target, (temporary) => copyFile(path, temporary));
    await rm(path);
  }
}

/** What nobody has gone on with for so long is of a version that nobody wants any more. */
const STALE = 14 * 24 * 3_600_000;

/** Removes unfinished objects of long ago. Never fails: they only take room. */
export async function removeStaleParts(folder: string): Promise<void> {
  const names = await readdir(folder).catch((): string[] => []);
  for (const name of names.filter((each) => /^[0-9a-f]{64}\.part(\.json)?$/.test(each))) {
    const path = join(folder, name);
    const found = await lstat(path).catch(() => null);
    if (found !== null && Date.now() - found.mtimeMs > STALE) {
      await rm(path, { force: true }).catch(() => undefined);
    }
  }
}
