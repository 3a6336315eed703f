import { readdir, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';

import { DebshoalError, isDebshoalError } from '../../shared/errors.js';
import { isErrno } from '../../shared/io/errno.js';
import { encodeDeltasIndex, type DeltasIndex } from '../../shared/index/deltas-index.js';
import { byHashPath, indexPath, suiteFolder } from '../../shared/index/layout.js';
import {
  decodeRelease,
  encodeRelease,
  type ListedFile,
  type Release,
} from '../../shared/index/release.js';
import {
  readSignedText,
  signDetached,
  signRelease,
  verifyInRelease,
  type TrustedKeys,
} from '../../shared/index/signature.js';
import { readBounded, writeFileAtomically } from '../../shared/io/files.js';
import { sha256 } from '../../shared/io/hash.js';
import { compressXz } from '../../shared/io/xz.js';
import { LIMITS } from '../../shared/limits.js';
import type { ArchiveSuite } from './scan-archive.js';

export interface SwitchOverOptions {
  readonly out: string;
  readonly privateKeys: readonly string[];
  /** What clients check with: the current key's public half. */
  readonly publicKeys: TrustedKeys;
  readonly origin: string;
  readonly label: string;
  readonly validForMs: number;
  readonly now: Date;
}

interface IndexFile extends ListedFile {
  readonly bytes: Buffer;
}

/**
 * Publishes the indexes of one suite. Indexes go to their by-hash names first and InRelease is
 * renamed into place last, so that at any moment a client finds one whole publication. Returns
 * false when it already was published and is not about to expire.
 */
export async function switchOver(
  suite: ArchiveSuite,
  indexes: readonly DeltasIndex[],
  options: SwitchOverOptions,
): Promise<boolean> {
  const folder = join(options.out, suiteFolder(suite.suite));
  const plain = encodeIndexes(indexes);
  const { current, isOurs } = await readCurrent(folder, options);
  const isDone = current !== null && isOurs && isSame(current, suite, plain, options);
  if (isDone && !isHalfExpired(current, options)) return false;

  const files = await withCompressed(plain);
  const release: Release = {
    origin: options.origin,
    label: options.label,
    suite: suite.suite,
    codename: suite.codename,
    date: options.now,
    validUntil: new Date(options.now.getTime() + options.validForMs),
    components: unique(indexes.map((index) => index.component)),
    architectures: unique(indexes.map((index) => index.architecture)),
    counter: nextCounter(current, options.now),
    archiveReleaseSha256: suite.releaseSha256,
    files: files.map(({ path, size, sha256: hash }) => ({ path, size, sha256: hash })),
  };
  const text = encodeRelease(release);
  for (const file of files) {
    await writeFileAtomically(join(folder, byHashPath(file.path, file.sha256)), file.bytes);
  }
  for (const file of files) await writeFileAtomically(join(folder, file.path), file.bytes);
  await writeFileAtomically(join(folder, 'Release'), text);
  const detached = await signDetached(text, options.privateKeys, options.now);
  await writeFileAtomically(join(folder, 'Release.gpg'), detached);
  const inRelease = await signRelease(text, options.privateKeys, options.now);
  await writeFileAtomically(join(folder, 'InRelease'), inRelease);
  await pruneByHash(folder, files, options);
  return true;
}

function encodeIndexes(indexes: readonly DeltasIndex[]): IndexFile[] {
  return indexes.map((index) => {
    const path = indexPath(index.component, index.architecture);
    return indexFile(path, Buffer.from(encodeDeltasIndex(index)));
  });
}

/** Each index and its .xz: only for what is published, an index of all Debian takes 20 seconds. */
async function withCompressed(plain: readonly IndexFile[]): Promise<IndexFile[]> {
  const files: IndexFile[] = [];
  for (const file of plain) {
    files.push(file, indexFile(compressedPath(file.path), await compressXz(file.bytes)));
  }
  return files;
}

function compressedPath(path: string): string {
  return `${path}.xz`;
}

function indexFile(path: string, bytes: Buffer): IndexFile {
  return { path, size: bytes.length, sha256: sha256(bytes), bytes };
}

/** What is published now, null when nothing is; and whether our current key has signed it. */
async function readCurrent(
  folder: string,
  { publicKeys, now }: SwitchOverOptions,
): Promise<{ current: Release | null; isOurs: boolean }> {
  const path = join(folder, 'InRelease');
  try {
    const bytes = await readBounded(path, LIMITS.releaseBytes);
    const current = decodeRelease(await readSignedText(bytes));
    const isOurs = await verifyInRelease(bytes, publicKeys, now).then(
      () => true,
      () => false,
    );
    return { current, isOurs };
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return { current: null, isOurs: false };
    if (!isDebshoalError(error)) throw error;
    throw new DebshoalError('index-malformed', `${path} is not ours: ${error.message}`, {
      cause: error,
      hint: 'publish into a folder of its own, never into the archive itself',
    });
  }
}

/** The compressed files follow from the plain ones: the same bytes give the same .xz. */
function isSame(
  current: Release,
  suite: ArchiveSuite,
  plain: readonly ListedFile[],
  { origin, label }: SwitchOverOptions,
): boolean {
  const hashes = new Map(current.files.map((file) => [file.path, file.sha256]));
  const paths = plain.flatMap(({ path }) => [path, compressedPath(path)]);
  return (
    current.archiveReleaseSha256 === suite.releaseSha256 &&
    current.origin === origin &&
    current.label === label &&
    paths.join('\n') === current.files.map((file) => file.path).join('\n') &&
    plain.every((file) => hashes.get(file.path) === file.sha256)
  );
}

function isHalfExpired(current: Release, { now, validForMs }: SwitchOverOptions): boolean {
  return current.validUntil.getTime() - now.getTime() < validForMs / 2;
}

/** The time in seconds, so that it grows even if the output is lost; and always by one at least. */
function nextCounter(current: Release | null, now: Date): number {
  return Math.max((current?.counter ?? 0) + 1, Math.floor(now.getTime() / 1000));
}

/** Old indexes stay for clients that hold an older Release, but not longer than it is valid. */
async function pruneByHash(
  folder: string,
  files: readonly ListedFile[],
  { now, validForMs }: SwitchOverOptions,
): Promise<void> {
  const current = new Set(files.map((file) => file.sha256));
  for (const byHash of unique(files.map((file) => dirname(byHashPath(file.path, file.sha256))))) {
    for (const name of await readdir(join(folder, byHash))) {
      const path = join(folder, byHash, name);
      const age = now.getTime() - (await stat(path)).mtimeMs;
      if (!current.has(name) && age > validForMs) await rm(path, { force: true });
    }
  }
}

function unique(values: readonly string[]): string[] {
  return [...new Set(values)];
}
