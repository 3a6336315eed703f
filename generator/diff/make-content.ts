import { open } from 'node:fs/promises';

import type { ExpandedDeb } from '../../shared/deb/expand-deb.js';
import type { DeltaContent } from '../../shared/delta/container.js';
import {
  memoryNeeded,
  type Operation,
  type SourceFile,
  type TargetPart,
} from '../../shared/delta/delta.js';
import { fingerprintFileList } from '../../shared/delta/old-package.js';
import { canBeDictionary, compressFrame } from '../../shared/delta/zstd-frame.js';
import { readExactly } from '../../shared/io/files.js';
import { chooseOperation } from './choose-operation.js';
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
    const builder = new ContentBuilder(old);
    let at = 0;
    for (const file of newDeb.files) {
      builder.literal(await readExactly(image, at, file.offset - at));
      const bytes = await readExactly(image, file.offset, file.size);
      if (bytes.length > 0) builder.add(await chooseOperation(file, bytes, old, folder));
      at = file.offset + file.size;
    }
    builder.literal(await readExactly(image, at, newDeb.imageSize - at));
    return await builder.finish(oldDeb, newDeb, parts);
  } finally {
    await image.close();
    await old.close();
  }
}

class ContentBuilder {
  readonly #old: OldFiles;
  readonly #operations: Operation[] = [];
  readonly #sources: SourceFile[] = [];
  readonly #sourceNumbers = new Map<string, number>();
  readonly #literals: Buffer[] = [];
  readonly #patches: Buffer[] = [];

  constructor(old: OldFiles) {
    this.#old = old;
  }

  literal(bytes: Buffer): void {
    if (bytes.length === 0) return;
    this.#literals.push(bytes);
    const last = this.#operations.at(-1);
    if (last?.method === 'literal' && last.gzip === null) {
      const contentLength = last.contentLength + bytes.length;
      this.#operations[this.#operations.length - 1] = { ...last, contentLength };
    } else {
      this.#operations.push({
        method: 'literal',
        contentLength: bytes.length,
        source: null,
        openSource: false,
        patchLength: 0,
        gzip: null,
      });
    }
  }

  add({ operation, source, bytes }: Awaited<ReturnType<typeof chooseOperation>>): void {
    if (operation.method === 'literal' && operation.gzip === null) {
      this.literal(bytes);
      return;
    }
    (operation.method === 'literal' ? this.#literals : this.#patches).push(bytes);
    const number = source ? this.#numberOf(this.#old.asSource(source.file, source.content)) : null;
    this.#operations.push({ ...operation, source: number });
  }

  async finish(
    oldDeb: ExpandedDeb,
    newDeb: ExpandedDeb,
    parts: readonly TargetPart[],
  ): Promise<DeltaContent> {
    // Tar headers are mostly paths, and so is md5sums, which every upgrading machine has.
    const md5sums = this.#old.at('control', 'md5sums');
    const dictionary = md5sums ? await this.#old.read(md5sums) : null;
    const usable = md5sums && dictionary && canBeDictionary(dictionary);
    const literalDictionary = usable
      ? this.#numberOf(this.#old.asSource(md5sums, dictionary))
      : null;
    const literals = Buffer.concat(this.#literals);
    const header = {
      package: newDeb.control.package,
      architecture: newDeb.control.architecture,
      oldVersion: oldDeb.control.version,
      newVersion: newDeb.control.version,
      target: { size: newDeb.size, sha256: newDeb.sha256 },
      fileList: fingerprintFileList(oldDeb.listedPaths),
      parts,
      sources: this.#sources,
      literalDictionary,
      operations: this.#operations,
    };
    return {
      header: { ...header, memoryBytes: memoryNeeded(header, literals.length) },
      literals: {
        packed: compressFrame(literals, usable ? dictionary : null),
        length: literals.length,
      },
      patches: this.#patches,
    };
  }

  #numberOf(source: SourceFile): number {
    const key = `${source.member} ${source.place}`;
    const known = this.#sourceNumbers.get(key);
    if (known !== undefined) return known;
    this.#sourceNumbers.set(key, this.#sources.length);
    return this.#sources.push(source) - 1;
  }
}
