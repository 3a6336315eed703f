import { createHash } from 'node:crypto';

/*
 * What both sides know about the old package's paths, and the order in which dpkg-deb would pack
 * them: folder by folder, names by their bytes, all symbolic links at the end. The types of old
 * files are known from md5sums and conffiles and from the shape of the list, not by looking at the
 * machine: a wrong guess costs some bytes, but must be the same on both sides.
 */

export type EntryKind = 'file' | 'folder' | 'link';

export interface OldTree {
  /** The sorted file list; a place is an index in it. Control files are without a slash. */
  readonly paths: readonly string[];
  /** Paths that the old package's md5sums or conffiles name; of control files all. */
  readonly files: ReadonlySet<string>;
  /** Paths that are not in the old package though the list has them, as with control files. */
  readonly absent?: ReadonlySet<string>;
  /** Size of an old file; asked only for files that the layout copies or measures others by. */
  readonly size: (place: number) => number;
  /**
   * Target of an old symbolic link, one character a byte, or null when it is none. Asked only when
   * a layout says so, for all paths that may be links; without it, a generator sends all targets.
   */
  readonly linkTarget?: (place: number) => string | null;
}

/** An entry of the old package at the position where dpkg-deb would have it. */
export interface ExpectedEntry {
  /** `/usr/bin/git`, one character a byte; the root folder is ''. */
  readonly path: string;
  /** Null for the root folder, which no list has. */
  readonly place: number | null;
  readonly kind: EntryKind;
}

export interface ExpectedTree {
  readonly entries: readonly ExpectedEntry[];
  /** How many of them were in the old package. */
  readonly present: number;
  /** Targets of old links by place, where the old package was asked for them. */
  readonly targets: ReadonlyMap<number, string>;
  /** Of all that was asked: a link that somebody changed is found before anything is made of it. */
  readonly fingerprint: number;
}

const FINGERPRINT_BYTES = 4;

/** Brings the old paths into the order of a tar; `asksLinks` as the layout says. */
export function expectTree(old: OldTree, asksLinks: boolean): ExpectedTree {
  const entries: ExpectedEntry[] = [{ path: '', place: null, kind: 'folder' }];
  const links: ExpectedEntry[] = [];
  const absent: ExpectedEntry[] = [];
  const targets = new Map<number, string>();
  const asked = createHash('sha256');
  const sorted = inTreeOrder(old.paths);
  for (const [index, { path, place, listed }] of sorted.entries()) {
    const isFolder = sorted[index + 1]?.path.startsWith(`${path}/`) ?? false;
    let kind: EntryKind = isFolder ? 'folder' : 'file';
    if (!isFolder && !old.files.has(listed)) {
      const target = asksLinks ? (old.linkTarget?.(place) ?? null) : null;
      asked.update(target ?? '', 'latin1').update('\0');
      if (target !== null) targets.set(place, target);
      kind = (asksLinks ? target !== null : looksLikeLink(path)) ? 'link' : 'folder';
    }
    const list = old.absent?.has(listed) ? absent : kind === 'link' ? links : entries;
    list.push({ path, place, kind });
  }
  const present = entries.length + links.length;
  const fingerprint = asked.digest().readUIntBE(0, FINGERPRINT_BYTES);
  return { entries: [...entries, ...links, ...absent], present, targets, fingerprint };
}

interface PlacedPath {
  readonly place: number;
  readonly listed: string;
  readonly path: string;
}

function inTreeOrder(paths: readonly string[]): PlacedPath[] {
  const keyed = paths.map((listed, place) => {
    const slashed = listed.startsWith('/') ? listed : `/${listed}`;
    const path = Buffer.from(slashed, 'utf8').toString('latin1');
    // A slash before all other bytes keeps a folder's entries together.
    return { place, listed, path, key: path.replaceAll('/', '\0') };
  });
  return keyed.sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0));
}

/** Links are to libraries, manual pages, programs, documentation; other paths are empty folders. */
function looksLikeLink(path: string): boolean {
  return /\/(?:s?bin|doc|games)\/[^/]+$|\/[^/]+\.(?!d$)[^/]*$/.test(path);
}
