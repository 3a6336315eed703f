import { createHash } from 'node:crypto';

import { DebshoalError } from '../errors.js';
import { md5 } from '../io/hash.js';
import { LIMITS } from '../limits.js';
import { parseMd5sums } from '../tar-layout/md5sums.js';
import { CONTROL_SOURCES, type DeltaHeader, type SourceFile } from './delta.js';

/** Gives a buffer of so many bytes for content to be read into. */
export type Allocate = (bytes: number) => Buffer;

/**
 * The old package as a source of files, whether it is installed or a .deb: the one door through
 * which a delta sees the machine.
 */
export interface OldPackage {
  readonly package: string;
  readonly architecture: string;
  readonly version: string;
  /** The paths of its data.tar as dpkg lists them, each once, ordered by bytes. */
  readonly listedPaths: readonly string[];
  /** The length of a regular file by its place; null when it is missing or something else. */
  size(file: SourceFile): Promise<number | null>;
  /**
   * Its content, in a buffer of `allocate` if given; null when it is missing, no regular file, or has
   * another size by now.
   */
  read(file: SourceFile, size: number, allocate?: Allocate): Promise<Buffer | null>;
  /** Target of a symbolic link, one character a byte; null when the path is none. */
  linkTarget(place: number): Promise<string | null>;
  /** The file's path for messages. */
  describe(file: SourceFile): string;
}

/** The old package after its records were compared with those that the delta was made from. */
export interface CheckedOldPackage {
  readonly listedPaths: readonly string[];
  /** The length of a file at once, or `source-changed`: only files in use are asked for. */
  sizeOf(member: SourceFile['member'], place: number): number;
  /** Target of a symbolic link at once; null when the path is none. */
  linkTargetOf(place: number): string | null;
  /** The length of a file, or `source-changed`. */
  size(file: SourceFile): Promise<number>;
  /** MD5 of a file of data.tar as the package had it; null when its md5sums does not name it. */
  md5Of(place: number): string | null;
  /** The whole content, if of data.tar in a buffer of `allocate`; `source-changed` when it is missing. Whether it was modified is not looked at. */
  read(file: SourceFile, allocate?: Allocate): Promise<Buffer>;
  /**
   * For when something went wrong: `source-changed` unless all files that were read are those of the
   * package. What is made of them is proven by its own hash, so a success needs no such check, which
   * takes a tenth of the time of a rebuild.
   */
  expectUnmodified(): Promise<void>;
  /** Control file by number, null when the package has none. */
  readonly controlFiles: readonly (Buffer | null)[];
}

const IDENTITY_BYTES = 8;
/**
 * What a delta relies on without looking: the list of paths, to which places refer, and the control
 * files as dpkg keeps them, among them md5sums, which tells what every other file must be. Hex.
 */
export function identifyOldPackage(
  listedPaths: readonly string[],
  controlFiles: readonly (Uint8Array | null)[],
): string {
  const hash = createHash('sha256').update(listedPaths.join('\n'), 'utf8');
  for (const content of controlFiles) {
    hash.update(content === null ? '\n-\n' : `\n${content.length}\n`);
    if (content !== null) hash.update(content);
  }
  return hash.digest('hex').slice(0, 2 * IDENTITY_BYTES);
}

/**
 * Compares an old package with what the delta starts from: `not-installed` for another package or
 * version, `source-changed` when its records differ. `fingerprints` by place are of the files that
 * its md5sums do not name.
 */
export async function checkOldPackage(
  header: DeltaHeader,
  fingerprints: ReadonlyMap<number, string>,
  old: OldPackage,
): Promise<CheckedOldPackage> {
  if (old.package !== header.oldPackage || old.version !== header.oldVersion) {
    throw new DebshoalError(
      'not-installed',
      `the delta starts from ${header.oldPackage} ${header.oldVersion}, this is ${old.package} ${old.version}`,
    );
  }
  const controlFiles = await readControlFiles(old, header.oldControlFiles);
  if (identifyOldPackage(old.listedPaths, controlFiles) !== header.oldIdentity) {
    throw new DebshoalError(
      'source-changed',
      `the file list or a control file of ${old.package} has changed`,
      { hint: 'another package replaced some of its files; use the full .deb' },
    );
  }
  const md5sums = parseMd5sums(controlFiles[0] ?? Buffer.alloc(0));
  const isFile = (place: number): boolean =>
    md5sums.has(old.listedPaths[place] ?? '') || fingerprints.has(place);
  const places = [...old.listedPaths.keys()];
  const sizes = await askMany(places.filter(isFile), (place) =>
    old.size({ member: 'data', place }),
  );
  const others = places.filter((place) => !isFile(place));
  const links = await askMany(others, (place) => old.linkTarget(place));
  // Asked for once: for an installed file this resolves a path.
  const sizeAgain = (file: SourceFile): number | null | Promise<number | null> =>
    (file.member === 'data' ? sizes.get(file.place) : undefined) ?? old.size(file);
  const filesRead = new Map<number, SourceFile>();
  return {
    listedPaths: old.listedPaths,
    controlFiles,
    sizeOf(member, place) {
      const size = member === 'control' ? controlFiles[place]?.length : sizes.get(place);
      if (size === undefined)
        throw changed(old, { member, place }, 'is missing or no regular file');
      return size;
    },
    linkTargetOf: (place) => links.get(place) ?? null,
    async size(file) {
      const size = await sizeAgain(file);
      if (size === null) throw changed(old, file, 'is missing or no regular file');
      return size;
    },
    md5Of: (place) => md5sums.get(old.listedPaths[place] ?? '') ?? null,
    async read(file, allocate) {
      if (file.member === 'control') {
        const content = controlFiles[file.place];
        if (content) return content;
        throw changed(old, file, 'is missing');
      }
      const size = await sizeAgain(file);
      if (size !== null && size > LIMITS.packageFileBytes) {
        throw new DebshoalError('limit-exceeded', `${old.describe(file)} has ${size} bytes`);
      }
      const content = size === null ? null : await old.read(file, size, allocate);
      if (content === null) throw changed(old, file, 'is missing or no regular file');
      filesRead.set(file.place, file);
      return content;
    },
    async expectUnmodified() {
      for (const file of filesRead.values()) {
        const path = old.listedPaths[file.place] ?? '';
        const expected = md5sums.get(path) ?? fingerprints.get(file.place) ?? '';
        const size = await old.size(file);
        const content = size === null ? null : await old.read(file, size);
        if (content === null || !md5(content).startsWith(expected)) {
          throw changed(old, file, 'was modified');
        }
      }
    },
  };
}

async function readControlFiles(
  old: OldPackage,
  present: ReadonlySet<number>,
): Promise<(Buffer | null)[]> {
  const found: (Buffer | null)[] = [];
  for (let place = 0; place < CONTROL_SOURCES.length; place++) {
    const file = { member: 'control', place } as const;
    const size = present.has(place) ? await old.size(file) : null;
    if (size !== null && size > LIMITS.controlTarBytes) throw changed(old, file, 'is too large');
    found.push(size === null ? null : await old.read(file, size));
  }
  return found;
}

/** How many files are asked for at a time. */
const AT_ONCE = 256;

/** The layout of the tars needs to know at once what the machine tells only by and by. */
async function askMany<T>(
  places: readonly number[],
  ask: (place: number) => Promise<T | null>,
): Promise<Map<number, T>> {
  const answers = new Map<number, T>();
  for (let at = 0; at < places.length; at += AT_ONCE) {
    const some = places.slice(at, at + AT_ONCE);
    const found = await Promise.all(some.map(ask));
    for (const [i, place] of some.entries()) {
      const answer = found[i];
      if (answer !== null && answer !== undefined) answers.set(place, answer);
    }
  }
  return answers;
}

function changed(old: OldPackage, file: SourceFile, how: string): DebshoalError {
  return new DebshoalError('source-changed', `${old.describe(file)} ${how}`);
}
