import type { OldTree } from '../tar-layout/old-tree.js';
import { parseConffiles, parseMd5sums } from '../tar-layout/md5sums.js';
import { CONTROL_SOURCES, type MemberPart } from './delta.js';

/** Numbers among CONTROL_SOURCES. */
export const MD5SUMS = 0;
export const CONFFILES = 1;

/** What is asked about old files by their places. */
export interface OldLookup {
  sizeOf(member: MemberPart['name'], place: number): number;
  /** One character a byte; null for what is no symbolic link. */
  linkTargetOf(place: number): string | null;
}

/** What a control.tar has besides what dpkg keeps. */
const CONTROL_PATHS = [...CONTROL_SOURCES, 'control'];

/**
 * The two tars of the old package as far as both sides know them: from the list of its paths and
 * its control files (by number, null for what it has not).
 */
export function describeOldTrees(
  listedPaths: readonly string[],
  controlFiles: readonly (Buffer | null)[],
  old: OldLookup,
): Readonly<Record<MemberPart['name'], OldTree>> {
  const named = [
    ...parseMd5sums(controlFiles[MD5SUMS] ?? Buffer.alloc(0)).keys(),
    ...parseConffiles(controlFiles[CONFFILES] ?? Buffer.alloc(0)),
  ];
  return {
    data: {
      paths: listedPaths,
      files: new Set(named),
      size: (place) => old.sizeOf('data', place),
      linkTarget: (place) => old.linkTargetOf(place),
    },
    control: {
      paths: CONTROL_PATHS,
      files: new Set(CONTROL_PATHS),
      absent: new Set(CONTROL_SOURCES.filter((_, number) => !controlFiles[number])),
      size: (place) => old.sizeOf('control', place),
    },
  };
}
