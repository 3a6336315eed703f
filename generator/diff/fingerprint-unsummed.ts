import { fingerprint } from '../../shared/delta/fingerprints.js';
import { MD5SUMS } from '../../shared/delta/old-trees.js';
import type { Segment } from '../../shared/delta/space-table.js';
import { parseMd5sums } from '../../shared/tar-layout/md5sums.js';
import type { LaidOutTars } from './lay-out-tars.js';
import type { OldFiles } from './old-files.js';

/** Fingerprints by place, of the files of data.tar that are used but not named in md5sums. */
export async function fingerprintUnsummed(
  old: OldFiles,
  { copied, measured }: Pick<LaidOutTars, 'copied' | 'measured'>,
  segments: readonly Segment[],
): Promise<Map<number, string>> {
  const summed = parseMd5sums(old.controlFiles[MD5SUMS] ?? Buffer.alloc(0));
  const used = new Set<unknown>(segments.map(({ file }) => file));
  const found = new Map<number, string>();
  for (const file of old.all) {
    const { member, place } = file.source;
    const isUsed = copied.has(file) || measured.has(place) || used.has(file.source);
    if (member !== 'data' || !isUsed || summed.has(file.path)) continue;
    found.set(place, fingerprint(await old.read(file)));
  }
  return found;
}
