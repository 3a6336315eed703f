import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import bsdiff from 'bsdiff-node';

import { DebshoalError } from '../errors.js';

/* bsdiff-node works on paths, so both sides pass through a private temporary folder. */

/** A BSDIFF40 patch that makes `content` from `old`. */
export async function makeBsdiffPatch(
  old: Uint8Array,
  content: Uint8Array,
  folder: string,
): Promise<Buffer> {
  const paths = patchPaths(folder);
  await Promise.all([writeFile(paths.old, old), writeFile(paths.new, content)]);
  await bsdiff.diff(paths.old, paths.new, paths.patch);
  return readFile(paths.patch);
}

const BSDIFF_HEADER_LENGTH = 32;

/** Applies a BSDIFF40 patch whose result must have `length` bytes; `delta-damaged` otherwise. */
export async function applyBsdiffPatch(
  old: Uint8Array,
  patch: Buffer,
  length: number,
  folder: string,
): Promise<Buffer> {
  // bspatch allocates what the patch claims: the claim is checked first.
  const claim = patch.length >= BSDIFF_HEADER_LENGTH ? patch.readBigInt64LE(24) : -1n;
  if (claim !== BigInt(length)) {
    throw new DebshoalError('delta-damaged', `a bsdiff patch claims ${claim} bytes`);
  }
  const paths = patchPaths(folder);
  await Promise.all([writeFile(paths.old, old), writeFile(paths.patch, patch)]);
  try {
    await bsdiff.patch(paths.old, paths.new, paths.patch);
  } catch (cause) {
    throw new DebshoalError('delta-damaged', 'damaged bsdiff patch', { cause });
  }
  const content = await readFile(paths.new);
  if (content.length !== length) {
    throw new DebshoalError('delta-damaged', 'a bsdiff patch gave another length');
  }
  return content;
}

function patchPaths(folder: string): { old: string; new: string; patch: string } {
  return {
    old: join(folder, 'bsdiff-old'),
    new: join(folder, 'bsdiff-new'),
    patch: join(folder, 'bsdiff-patch'),
  };
}
