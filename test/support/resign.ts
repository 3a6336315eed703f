import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import {
  decodeDeltasIndex,
  encodeDeltasIndex,
  type DeltasIndex,
} from '../../shared/index/deltas-index.js';
import { indexPath, suiteFolder } from '../../shared/index/layout.js';
import { decodeRelease, encodeRelease, type Release } from '../../shared/index/release.js';
import { readSignedText, signRelease } from '../../shared/index/signature.js';
import { writeFileAtomically } from '../../shared/io/files.js';
import { compressXz } from '../../shared/io/xz.js';
import { listFile } from './sample-index.js';

export interface ResignOptions {
  /** Armored. */
  readonly privateKey: string;
  readonly index?: (index: DeltasIndex) => DeltasIndex;
  readonly release?: (release: Release) => Release;
  readonly signedAt?: Date;
}

/**
 * Changes what a published tree says (main, amd64) and signs that: what a publisher whose key was
 * stolen, or whose generator is wrong, could serve.
 */
export async function resign(out: string, suite: string, options: ResignOptions): Promise<void> {
  const folder = join(out, suiteFolder(suite));
  const path = indexPath('main', 'amd64');
  const inRelease = join(folder, 'InRelease');
  const release = decodeRelease(await readSignedText(await readFile(inRelease)));
  const index = decodeDeltasIndex(await readFile(join(folder, path)));
  const plain = Buffer.from(encodeDeltasIndex(options.index?.(index) ?? index));
  const packed = await compressXz(plain);
  await writeFileAtomically(join(folder, path), plain);
  await writeFileAtomically(join(folder, `${path}.xz`), packed);
  const files = [listFile(path, plain), listFile(`${path}.xz`, packed)];
  const changed = { ...release, files };
  const text = encodeRelease(options.release?.(changed) ?? changed);
  await writeFile(inRelease, await signRelease(text, options.privateKey, options.signedAt));
}
