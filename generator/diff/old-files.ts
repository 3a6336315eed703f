import { open } from 'node:fs/promises';

import type { DebFile, ExpandedDeb } from '../../shared/deb/expand-deb.js';
import { CONTROL_SOURCES, type SourceFile } from '../../shared/delta/delta.js';
import { fingerprint } from '../../shared/delta/old-package.js';
import { readExactly } from '../../shared/io/files.js';
import { sha256 } from '../../shared/io/hash.js';
import { LIMITS } from '../../shared/limits.js';

/** The files of the old package that an upgrading machine has, found by content or by name. */
export interface OldFiles {
  /** A file with exactly this content. */
  identical(content: Buffer): DebFile | undefined;
  /** The likeliest predecessor of a new file: same path, else the most similar name and size. */
  predecessor(file: DebFile): DebFile | undefined;
  at(member: 'control' | 'data', path: string): DebFile | undefined;
  read(file: DebFile): Promise<Buffer>;
  /** The file as a delta names it. */
  asSource(file: DebFile, content: Buffer): SourceFile;
  close(): Promise<void>;
}

/** Indexes an expanded old .deb. Reads every file once. */
export async function openOldFiles(deb: ExpandedDeb): Promise<OldFiles> {
  const image = await open(deb.imagePath, 'r');
  const read = (file: DebFile): Promise<Buffer> => readExactly(image, file.offset, file.size);
  const conffiles = await readConffiles(deb, read);
  // A path that occurs twice is installed with its last content.
  const installed = new Map(deb.files.map((file) => [`${file.member} ${file.path}`, file]));
  const usable = [...installed.values()].filter((file) => isOnUpgradingMachine(file, conffiles));

  const byContent = new Map<string, DebFile>();
  const byPath = new Map<string, DebFile>();
  const byName = new Map<string, DebFile[]>();
  for (const file of usable) {
    if (file.size > 0) byContent.set(sha256(await read(file)), file);
    byPath.set(`${file.member} ${file.path}`, file);
    for (const key of nameKeys(file)) byName.set(key, [...(byName.get(key) ?? []), file]);
  }
  const places = new Map(deb.listedPaths.map((path, place) => [path, place]));

  return {
    identical: (content) => byContent.get(sha256(content)),
    predecessor: (file) =>
      byPath.get(`${file.member} ${file.path}`) ??
      nameKeys(file)
        .map((key) => closestInSize(byName.get(key) ?? [], file.size))
        .find((found) => found !== undefined),
    at: (member, path) => byPath.get(`${member} ${path}`),
    read,
    asSource: (file, content) => ({
      member: file.member,
      place:
        file.member === 'control'
          ? CONTROL_SOURCES.indexOf(file.path)
          : (places.get(file.path) ?? -1),
      size: file.size,
      fingerprint: fingerprint(content),
    }),
    close: () => image.close(),
  };
}

async function readConffiles(
  deb: ExpandedDeb,
  read: (file: DebFile) => Promise<Buffer>,
): Promise<ReadonlySet<string>> {
  const file = deb.files.find((f) => f.member === 'control' && f.path === 'conffiles');
  const lines = file ? (await read(file)).toString('utf8').split('\n') : [];
  return new Set(lines.map((line) => line.trim()));
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

/** From the most to the least telling: path without versions, then base name without versions. */
function nameKeys(file: DebFile): string[] {
  if (file.member === 'control') return [];
  const withoutVersions = file.path.replace(/[0-9]+([.+~-][0-9]+)*/g, '#');
  return [withoutVersions, withoutVersions.slice(withoutVersions.lastIndexOf('/'))];
}

function closestInSize(files: readonly DebFile[], size: number): DebFile | undefined {
  const distance = (file: DebFile): number => Math.abs(file.size - size);
  return files.reduce<DebFile | undefined>(
    (best, file) => (best === undefined || distance(file) < distance(best) ? file : best),
    undefined,
  );
}
