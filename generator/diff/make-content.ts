import { open, type FileHandle } from 'node:fs/promises';

import type { DebFile, ExpandedDeb } from '../../shared/deb/expand-deb.js';
import type { DeltaContent } from '../../shared/delta/container.js';
import { memoryNeeded, type TargetPart } from '../../shared/delta/delta.js';
import { fingerprintFileList } from '../../shared/delta/old-package.js';
import { canBeDictionary } from '../../shared/delta/zstd-frame.js';
import { DebshoalError } from '../../shared/errors.js';
import { readExactly } from '../../shared/io/files.js';
import { LIMITS } from '../../shared/limits.js';
import { chooseOperation } from './choose-operation.js';
import { ContentBuilder, type BuiltContent } from './content-builder.js';
import { openExactGzips, type ExactGzip } from './gzip-recipe.js';
import { openOldFiles, type OldFiles } from './old-files.js';

/** Matches the new image against the old files: everything that a delta contains. */
export async function makeContent(
  oldDeb: ExpandedDeb,
  newDeb: ExpandedDeb,
  parts: readonly TargetPart[],
  folder: string,
): Promise<DeltaContent> {
  const old = await openOldFiles(oldDeb);
  const image = await open(newDeb.imagePath, 'r');
  try {
    const built = await matchFiles(newDeb, image, old, folder);
    const header = {
      package: newDeb.control.package,
      architecture: newDeb.control.architecture,
      oldVersion: oldDeb.control.version,
      newVersion: newDeb.control.version,
      target: { size: newDeb.size, sha256: newDeb.sha256 },
      fileList: fingerprintFileList(oldDeb.listedPaths),
      parts,
      sources: built.sources,
      dictionary: built.dictionary,
      operations: built.operations,
    };
    return {
      header: { ...header, memoryBytes: memoryNeeded(header, built.literals.length) },
      literals: built.literals,
      patches: built.patches,
    };
  } finally {
    await image.close();
    await old.close();
  }
}

async function matchFiles(
  newDeb: ExpandedDeb,
  image: FileHandle,
  old: OldFiles,
  folder: string,
): Promise<BuiltContent> {
  const builder = new ContentBuilder(old);
  await useMd5sums(builder, old);
  let at = 0;
  for (const group of groupBySize(newDeb.files)) {
    const contents: Buffer[] = [];
    for (const file of group) contents.push(await readPart(image, file.offset, file.size));
    const gzips = await openChanged(contents, old, folder);
    for (const [i, file] of group.entries()) {
      builder.literal(await readPart(image, at, file.offset - at));
      const bytes = contents[i] ?? Buffer.alloc(0);
      if (bytes.length > 0) {
        builder.add(await chooseOperation(file, bytes, gzips[i] ?? null, old, folder));
      }
      at = file.offset + file.size;
    }
  }
  builder.literal(await readPart(image, at, newDeb.imageSize - at));
  return builder.finish();
}

/** A part of the image in memory; `limit-exceeded` when it is too large for that. */
function readPart(image: FileHandle, offset: number, length: number): Promise<Buffer> {
  if (length > LIMITS.packageFileBytes) {
    throw new DebshoalError('limit-exceeded', `a file of ${length} bytes in a package`);
  }
  return readExactly(image, offset, length);
}

/** Tar headers are mostly paths, and so is md5sums, which every upgrading machine has. */
async function useMd5sums(builder: ContentBuilder, old: OldFiles): Promise<void> {
  const file = old.at('control', 'md5sums');
  if (!file) return;
  const content = await old.read(file);
  // First in the dictionary, its start is what zstd looks at for a magic.
  if (canBeDictionary(content)) {
    builder.useAsDictionary({ file, fileContent: content, content, opened: false });
  }
}

/** Opens the .gz files that are not copies anyway. */
async function openChanged(
  contents: readonly Buffer[],
  old: OldFiles,
  folder: string,
): Promise<(ExactGzip | null)[]> {
  const none = Buffer.alloc(0);
  return openExactGzips(
    contents.map((bytes) => (old.identical(bytes) ? none : bytes)),
    folder,
  );
}

const MAX_GROUP_BYTES = 16 * 2 ** 20;
const MAX_GROUP_FILES = 512;

/** Consecutive files, few enough to be held in memory together. */
function groupBySize(files: readonly DebFile[]): DebFile[][] {
  const groups: DebFile[][] = [];
  let bytes = 0;
  for (const file of files) {
    const last = groups.at(-1);
    bytes += file.size;
    if (last && bytes <= MAX_GROUP_BYTES && last.length < MAX_GROUP_FILES) last.push(file);
    else {
      groups.push([file]);
      bytes = file.size;
    }
  }
  return groups;
}
