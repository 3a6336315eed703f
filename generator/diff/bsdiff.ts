import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import bsdiff from 'bsdiff-node';

/** A BSDIFF40 patch that makes `content` from `old`; the addon works on files, in `folder`. */
export async function makeBsdiffPatch(
  old: Uint8Array,
  content: Uint8Array,
  folder: string,
): Promise<Buffer> {
  const paths = {
    old: join(folder, 'bsdiff-old'),
    new: join(folder, 'bsdiff-new'),
    patch: join(folder, 'bsdiff-patch'),
  };
  await Promise.all([writeFile(paths.old, old), writeFile(paths.new, content)]);
  await bsdiff.diff(paths.old, paths.new, paths.patch);
  return readFile(paths.patch);
}
