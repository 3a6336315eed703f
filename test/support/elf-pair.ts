import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

import { expect } from 'vitest';

import type { ElfDelta } from '../../shared/elf/match-elf.js';
import { matchElf } from '../../shared/elf/match-elf.js';
import { readPairTables } from '../../shared/elf/layout.js';
import { ElfRestorer } from '../../shared/elf/restore-elf.js';
import type { Matches } from '../../shared/delta/matches.js';
import { withTemporaryFolder } from '../../shared/io/files.js';
import { runTool } from '../../shared/io/run-tool.js';
import { findMatches } from '../../shared/kernel/find-matches.js';
import { fixturePair } from './fixture-pairs.js';

/** One file of both sides of a fixture pair. */
export async function elfPair(name: string, path: string): Promise<readonly [Buffer, Buffer]> {
  const { oldDeb, newDeb } = fixturePair(name);
  const read = (deb: string) =>
    withTemporaryFolder(async (folder) => {
      await runTool('dpkg-deb', ['-x', deb, folder], { maxOutput: 1024 });
      return readFile(join(folder, path));
    });
  return [await read(oldDeb), await read(newDeb)];
}

/** One for all tests: what it remembers of a file must not show in the next. */
const restorer = new ElfRestorer();

export function restoreElf(
  oldBytes: Uint8Array,
  layout: Uint8Array,
  matches: Matches,
  residual: Uint8Array,
): Uint8Array {
  const bytes = residual.slice();
  const tables = readPairTables(oldBytes, layout, bytes.length);
  restorer.openOld(oldBytes.length).set(oldBytes);
  restorer.restore(tables, matches, bytes);
  return bytes;
}

/** Matches and restores; fails unless the new file comes back exactly. */
export function expectExact(oldBytes: Uint8Array, newBytes: Uint8Array): ElfDelta {
  const delta = matchElf(oldBytes, newBytes, findMatches);
  if (delta === null) throw new Error('no ELF files');
  expect(delta.residual).toHaveLength(newBytes.length);
  const restored = restoreElf(oldBytes, delta.layout, delta.matches, delta.residual);
  expect(Buffer.compare(restored, newBytes)).toBe(0);
  return delta;
}

/** Share of the references of these kinds (of all without any) whose prediction was right. */
export function hitRate(delta: ElfDelta, ...kinds: readonly string[]): number {
  let hits = 0;
  let total = 0;
  for (const [kind, counts] of Object.entries(delta.statistics)) {
    if (kinds.length > 0 && !kinds.includes(kind)) continue;
    hits += counts.hits;
    total += counts.hits + counts.misses;
  }
  expect(total).toBeGreaterThan(0);
  return hits / total;
}

/** Bytes of the residual that are not 0: what is left to send. */
export function wrongBytes(delta: ElfDelta): number {
  return delta.residual.reduce((count, byte) => count + (byte === 0 ? 0 : 1), 0);
}
