import { open } from 'node:fs/promises';
import { join } from 'node:path';

import type { DebPart, ExpandedDeb } from '../../shared/deb/expand-deb.js';
import type { OldPackage } from '../../shared/delta/old-package.js';
import { rebuildDeb, type CompressMember } from '../../shared/delta/rebuild.js';
import { readExactly } from '../../shared/io/files.js';
import type { ProvenPacks } from './nested/proven-packs.js';

/**
 * Rebuilds the new .deb from the delta and checks every byte. `findRecipes` has just proven, in
 * this process and with this encoder, that the recipes turn the new tars into the packed bytes; so
 * where a rebuilt tar is the same, its packed bytes are taken from the .deb instead of running xz
 * a second time, which would be most of the time of a diff. Where it is not the same, nothing is
 * taken and the hash of the .deb cannot come out right. The same goes for the streams within files.
 */
export async function proveDelta(
  deltaPath: string,
  old: OldPackage,
  newDeb: ExpandedDeb,
  folder: string,
  proven: ProvenPacks,
): Promise<void> {
  const target = join(folder, 'rebuilt.deb');
  await rebuildDeb(deltaPath, old, target, {
    compressMember: provenMembers(newDeb),
    packNested: (jobs, jobFolder) => proven.pack(jobs, jobFolder),
    temporaryParent: folder,
  });
}

function provenMembers(newDeb: ExpandedDeb): CompressMember {
  return ({ name }, raw) => {
    const member = newDeb.parts.find((part) => part.kind === 'member' && part.name === name);
    if (member?.kind !== 'member') throw new Error(`a .deb without ${name}.tar`);
    return packedIfEqual(newDeb, member, raw);
  };
}

async function* packedIfEqual(
  newDeb: ExpandedDeb,
  member: DebPart & { kind: 'member' },
  raw: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  const image = await open(newDeb.imagePath, 'r');
  const deb = await open(newDeb.path, 'r');
  try {
    let at = member.imageOffset;
    let equal = true;
    for await (const chunk of raw) {
      equal &&= (await readExactly(image, at, chunk.length)).equals(chunk);
      at += chunk.length;
    }
    if (equal) yield await readExactly(deb, member.packedOffset, member.packedLength);
  } finally {
    await image.close();
    await deb.close();
  }
}
