import { randomBytes } from 'node:crypto';
import { constants, readFileSync, readSync, rmSync, statSync } from 'node:fs';
import { mkdir, mkdtemp, open, readdir, rename, rm, stat, type FileHandle } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';

import { DebshoalError, withCode } from '../errors.js';
import { isErrno, isMissing } from './errno.js';

/** Reads a whole file of at most `maxLength` bytes; `limit-exceeded` when it is larger. */
export async function readBounded(path: string, maxLength: number): Promise<Buffer> {
  const file = await open(path, 'r');
  try {
    const { size } = await file.stat();
    if (size > maxLength) {
      throw new DebshoalError('limit-exceeded', `${path} has ${size} bytes, over ${maxLength}`);
    }
    const buffer = Buffer.alloc(size);
    const { bytesRead } = await file.read(buffer, 0, size, 0);
    return buffer.subarray(0, bytesRead);
  } finally {
    await file.close();
  }
}

/**
 * `readBounded` without the thread pool, which costs ten times as much as reading a small file. For
 * thousands of files, with turns for others in between.
 */
export function readBoundedSync(path: string, maxLength: number): Buffer {
  const { size } = statSync(path);
  if (size > maxLength) {
    throw new DebshoalError('limit-exceeded', `${path} has ${size} bytes, over ${maxLength}`);
  }
  return readFileSync(path);
}

/** `readBounded`, or null when there is no such file. */
export async function readIfPresent(path: string, maxLength: number): Promise<Buffer | null> {
  try {
    return await readBounded(path, maxLength);
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return null;
    throw error;
  }
}

/** Whether there is a file or folder; anything that hides it is an error, not an absence. */
export async function exists(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (error) {
    if (isMissing(error)) return false;
    throw withCode(error);
  }
}

/**
 * Opens for reading, neither through a link nor waiting for a FIFO that was put in the file's place;
 * `io-failed` for what is no regular file.
 */
export async function openRegular(path: string): Promise<FileHandle> {
  const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  if ((await file.stat()).isFile()) return file;
  await file.close();
  throw new DebshoalError('io-failed', `not a regular file: ${path}`);
}

/** Reads exactly `length` bytes at `offset`, or fails with `io-failed`. */
export async function readExactly(
  file: FileHandle,
  offset: number,
  length: number,
): Promise<Buffer> {
  const buffer = Buffer.allocUnsafe(length);
  let done = 0;
  while (done < length) {
    // One read(2) returns 2 GiB at most.
    const part = Math.min(length - done, 1 << 30);
    const { bytesRead } = await file.read(buffer, done, part, offset + done);
    if (bytesRead === 0) {
      throw new DebshoalError('io-failed', `file ends at ${offset + done}, wanted ${length} bytes`);
    }
    done += bytesRead;
  }
  return buffer;
}

/**
 * `readExactly` without the thread pool, which costs ten times as much as reading a small file from
 * memory. For threads that have nothing else to do.
 */
export function readExactlySync(
  file: number,
  offset: number,
  length: number,
  buffer: Buffer = Buffer.allocUnsafe(length),
): Buffer {
  let done = 0;
  while (done < length) {
    const part = Math.min(length - done, 1 << 30);
    const bytesRead = readSync(file, buffer, done, part, offset + done);
    if (bytesRead === 0) {
      throw new DebshoalError('io-failed', `file ends at ${offset + done}, wanted ${length} bytes`);
    }
    done += bytesRead;
  }
  return buffer;
}

const TEMPORARY_PREFIX = '.debshoal-';

/** A new name beside `target`, one that `removeStaleTemporaries` knows. */
export function temporaryBeside(target: string): string {
  const name = `${TEMPORARY_PREFIX}${basename(target)}.${randomBytes(6).toString('hex')}`;
  return join(dirname(target), name);
}

/** What is under way now; `process.exit` after Ctrl-C must leave none of it behind. */
const unfinished = new Set<string>();

function removeUnfinished(): void {
  for (const path of unfinished) rmSync(path, { recursive: true, force: true, maxRetries: 3 });
}

async function removedAtExit<T>(path: string, use: () => Promise<T>): Promise<T> {
  if (unfinished.size === 0) process.on('exit', removeUnfinished);
  unfinished.add(path);
  try {
    return await use();
  } finally {
    unfinished.delete(path);
    if (unfinished.size === 0) process.off('exit', removeUnfinished);
  }
}

/**
 * Writes through a temporary file beside `target`: `fill` writes and verifies, then fsync and
 * rename. Whatever goes wrong, `target` keeps its old content and nothing is left behind.
 */
export async function writeAtomically<T>(
  target: string,
  fill: (temporaryPath: string) => Promise<T>,
  mode = 0o644,
): Promise<T> {
  const temporary = temporaryBeside(target);
  return removedAtExit(temporary, async () => {
    try {
      const result = await fill(temporary);
      await syncFile(temporary, mode);
      await rename(temporary, target);
      return result;
    } catch (error) {
      await rm(temporary, { force: true });
      throw error;
    }
  });
}

async function syncFile(path: string, mode: number): Promise<void> {
  const file = await open(path, 'r+');
  try {
    await file.chmod(mode);
    await file.sync();
  } finally {
    await file.close();
  }
}

/** `writeAtomically` for content that is already in memory. Creates missing folders. */
export async function writeFileAtomically(
  target: string,
  content: Uint8Array | string,
  mode = 0o644,
): Promise<void> {
  await mkdir(dirname(target), { recursive: true });
  await writeAtomically(
    target,
    async (temporary) => {
      const file = await open(temporary, 'wx', mode);
      try {
        await file.writeFile(content);
      } finally {
        await file.close();
      }
    },
    mode,
  );
}

/** Removes what a killed `writeAtomically` left in `folder`, or with `recursive` anywhere below. */
export async function removeStaleTemporaries(
  folder: string,
  options: { readonly recursive?: boolean } = {},
): Promise<void> {
  const recursive = options.recursive ?? false;
  for (const path of await readdir(folder, { recursive })) {
    if (!basename(path).startsWith(TEMPORARY_PREFIX)) continue;
    await rm(join(folder, path), { recursive: true, force: true });
  }
}

/** Runs `use` with a private temporary folder that is removed afterwards. */
export async function withTemporaryFolder<T>(
  use: (folder: string) => Promise<T>,
  parent = tmpdir(),
): Promise<T> {
  const folder = await mkdtemp(join(parent, TEMPORARY_PREFIX));
  return removedAtExit(folder, async () => {
    try {
      return await use(folder);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });
}
