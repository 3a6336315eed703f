import { open } from 'node:fs/promises';

import type { DebFile, ExpandedDeb } from '../../shared/deb/expand-deb.js';
import { CONTROL_SOURCES, type SourceFile } from '../../shared/delta/delta.js';
import { CONFFILES } from '../../shared/delta/old-trees.js';
import { readExactly } from '../../shared/io/files.js';
import { sha256 } from '../../shared/io/hash.js';
import { LIMITS } from '../../shared/limits.js';
import { parseConffiles } from '../../shared/tar-layout/md5sums.js';

/** A file that an upgrading machine has, and how a delta names it. */
export interface OldFile extends DebFile {
  readonly source: SourceFile;
}

type NewFile = Pick<DebFile, 'member' | 'path'>;
type NewSize = { readonly size: number; readonly place: number | null };

/** The files of the old package that an upgrading machine has, found by content or by name. */
export interface OldFiles {
  /** In the order of the old space: data by place, then control files by number. */
  readonly all: readonly OldFile[];
  /** A file of the same member with exactly this content, the one of the same path if it is one. */
  identical(file: NewFile, content: Buffer): OldFile | undefined;
  /** The likeliest predecessor of a new file: in its place, else the most similar name and size. */
  predecessor(file: NewFile & NewSize): OldFile | undefined;
  /** Contents of CONTROL_SOURCES by number, null for those that the package has not. */
  readonly controlFiles: readonly (Buffer | null)[];
  read(file: DebFile): Promise<Buffer>;
  close(): Promise<void>;
}

/** Indexes an expanded old .deb. Reads every file once. */
export async function openOldFiles(deb: ExpandedDeb): Promise<OldFiles> {
  const image = await open(deb.imagePath, 'r');
  const read = (file: DebFile): Promise<Buffer> => readExactly(image, file.offset, file.size);
  const readControl = async (name: string): Promise<Buffer | null> => {
    const file = deb.files.findLast((f) => f.member === 'control' && f.path === name);
    return file ? read(file) : null;
  };
  const controlFiles = await Promise.all(CONTROL_SOURCES.map(readControl));
  const conffiles = parseConffiles(controlFiles[CONFFILES] ?? Buffer.alloc(0));
  const places = new Map(deb.listedPaths.map((path, place) => [path, place]));
  // A path that occurs twice is installed with its last content.
  const installed = new Map(deb.files.map((file) => [`${file.member} ${file.path}`, file]));
  const all = [...installed.values()]
    .filter((file) => isOnUpgradingMachine(file, conffiles))
    .map((file) => ({ ...file, source: nameSource(file, places) }))
    .sort(bySource);

  const byContent = new Map<string, OldFile>();
  const byPlace = new Map<string, OldFile>();
  const byName = new Map<string, OldFile[]>();
  for (const file of all) {
    const hash = sha256(await read(file));
    if (file.size > 0) {
      byContent.set(`${file.member} ${hash}`, file);
      byContent.set(`${file.member} ${hash} ${file.path}`, file);
    }
    byPlace.set(`${file.member} ${file.source.place}`, file);
    for (const key of nameKeys(file)) {
      const alike = byName.get(key);
      if (alike) alike.push(file);
      else byName.set(key, [file]);
    }
  }

  return {
    all,
    identical({ member, path }, content) {
      const key = `${member} ${sha256(content)}`;
      return byContent.get(`${key} ${path}`) ?? byContent.get(key);
    },
    predecessor: (file) =>
      byPlace.get(`${file.member} ${file.place}`) ??
      nameKeys(file)
        .map((key) => closestInSize(byName.get(key) ?? [], file.size))
        .find((found) => found !== undefined),
    controlFiles,
    read,
    close: () => image.close(),
  };
}

/**
 * Conffiles are there to be edited, and one edited source file would cost the whole delta: they
 * are never sources. Of the control files dpkg keeps all but `control` as they are.
 */
function isOnUpgradingMachine(file: DebFile, conffiles: ReadonlySet<string>): boolean {
  // Not a name in UTF-8: what was decoded does not lead back to the file.
  if (file.path.includes('\ufffd') || file.size > LIMITS.packageFileBytes) return false;
  return file.member === 'control'
    ? CONTROL_SOURCES.includes(file.path)
    : !conffiles.has(file.path);
}

function nameSource(file: DebFile, places: ReadonlyMap<string, number>): SourceFile {
  const { member, path } = file;
  const place = member === 'control' ? CONTROL_SOURCES.indexOf(path) : places.get(path);
  if (place === undefined) throw new Error(`${path} is in no list`);
  return { member, place };
}

function bySource({ source: a }: OldFile, { source: b }: OldFile): number {
  if (a.member !== b.member) return a.member === 'data' ? -1 : 1;
  return a.place - b.place;
}

/** From the most to the least telling: path without versions, then base name without versions. */
function nameKeys(file: NewFile): string[] {
  if (file.member === 'control') return [];
  const withoutVersions = file.path.replace(/[0-9]+([.+~-][0-9]+)*/g, '#');
  return [withoutVersions, withoutVersions.slice(withoutVersions.lastIndexOf('/'))];
}

function closestInSize(files: readonly OldFile[], size: number): OldFile | undefined {
  const distance = (file: OldFile): number => Math.abs(file.size - size);
  return files.reduce<OldFile | undefined>(
    (best, file) => (best === undefined || distance(file) < distance(best) ? file : best),
    undefined,
  );
}
