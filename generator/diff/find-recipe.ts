import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { Readable } from 'node:stream';

import { compress } from '../../shared/deb/compression.js';
import type { DebTar, ExpandedDeb } from '../../shared/deb/expand-deb.js';
import { areBlocksLong, XZ_PRESET_DICTIONARY, type Recipe } from '../../shared/deb/recipe.js';
import { encoderBlockBytes, readXzSettings } from '../../shared/deb/xz-container.js';
import type { TargetPart } from '../../shared/delta/delta.js';
import { DebshoalError, isDebshoalError } from '../../shared/errors.js';
import { readExactly } from '../../shared/io/files.js';
import { LIMITS } from '../../shared/limits.js';
import { zstdFlags } from '../../shared/nested/zstd.js';
import { gzipCandidates } from './gzip-recipe.js';

export interface FoundRecipes {
  readonly parts: readonly TargetPart[];
  /** Why some member has no recipe; null when all have one. */
  readonly unreproducible: string | null;
}

/**
 * Finds for each member of a .deb the recipe that gives exactly its bytes, by trying what its
 * headers allow.
 */
export async function findRecipes(deb: ExpandedDeb): Promise<FoundRecipes> {
  const parts: TargetPart[] = [];
  let unreproducible: string | null = null;
  for (const part of deb.parts) {
    if (part.kind === 'literal') {
      parts.push(part);
      continue;
    }
    const { kind, name, length, packedLength } = part;
    const member = { kind, name, length, packedLength };
    try {
      parts.push({ ...member, recipe: await findRecipe(deb, part) });
    } catch (error) {
      if (!isDebshoalError(error, 'deb-unreproducible')) throw error;
      unreproducible = error.message;
      parts.push({ ...member, recipe: null });
    }
  }
  return { parts, unreproducible };
}

async function findRecipe(deb: ExpandedDeb, member: DebTar): Promise<Recipe> {
  const packed = await readPacked(deb.path, member);
  const candidates = candidateRecipes(member, packed);
  for (const recipe of candidates) {
    if (await reproduces(recipe, deb.imagePath, member, packed)) return recipe;
  }
  throw new DebshoalError(
    'deb-unreproducible',
    `no recipe of ${candidates.length} tried gives the bytes of a .${member.compression} member`,
  );
}

async function readPacked(path: string, member: DebTar): Promise<Buffer> {
  if (member.packedLength > LIMITS.deltaBytes) {
    throw new DebshoalError('deb-unreproducible', 'a member too large to be compared in memory');
  }
  const file = await open(path, 'r');
  try {
    return await readExactly(file, member.packedOffset, member.packedLength);
  } finally {
    await file.close();
  }
}

function candidateRecipes(member: DebTar, packed: Buffer): Recipe[] {
  switch (member.compression) {
    case 'none':
      return [{ kind: 'stored' }];
    case 'xz':
      return xzCandidates(packed);
    case 'gz':
      return gzipCandidates(packed, member.length);
    case 'zst':
      return zstdCandidates(packed);
  }
}

/** dpkg uses liblzma's threaded encoder since 1.17. */
function xzCandidates(packed: Buffer): Recipe[] {
  const settings = readXzSettings(packed);
  const { check, dictionaryBytes, blockHeadersHaveSizes } = settings;
  const blockBytes = encoderBlockBytes(settings);
  if (!areBlocksLong(blockBytes, dictionaryBytes)) return [];
  const presets = XZ_PRESET_DICTIONARY.flatMap((bytes, preset) =>
    // lzma-native's single-threaded encoder takes preset 0 for the default.
    bytes === dictionaryBytes && (preset > 0 || blockHeadersHaveSizes) ? [preset] : [],
  );
  return [...presets.reverse()].sort(dpkgDefaultFirst).flatMap((preset) =>
    [false, true].map((extreme) => ({
      kind: 'xz' as const,
      preset,
      extreme,
      check,
      blockBytes,
    })),
  );
}

const DPKG_PRESET = 6;

function dpkgDefaultFirst(a: number, b: number): number {
  return Number(b === DPKG_PRESET) - Number(a === DPKG_PRESET);
}

function zstdCandidates(packed: Buffer): Recipe[] {
  const { checksum } = zstdFlags(packed);
  const levels = [19, 3, 22, 15, 12, 9, 6, 1];
  return levels.flatMap((level) =>
    [true, false].map((threaded) => ({ kind: 'zstd' as const, level, checksum, threaded })),
  );
}

/** Compresses the member's tar and compares as it goes, so that a wrong recipe ends early. */
async function reproduces(
  recipe: Recipe,
  imagePath: string,
  member: DebTar,
  packed: Buffer,
): Promise<boolean> {
  const { imageOffset: start, length } = member;
  const end = start + length - 1;
  const raw =
    length === 0
      ? Readable.from([])
      : createReadStream(imagePath, { start, end, highWaterMark: 1 << 18 });
  let at = 0;
  for await (const chunk of compress(recipe, raw)) {
    if (!chunk.equals(packed.subarray(at, at + chunk.length))) return false;
    at += chunk.length;
  }
  return at === packed.length;
}
