/*
 * What both sides know about the old package's paths, and the order in which dpkg-deb would pack
 * them: folder by folder, names by their bytes, all symbolic links at the end. The types of old
 * files are known from md5sums and conffiles alone; nothing on the machine is looked at for them,
 * because a wrong guess must be the same on both sides.
 */

export type EntryKind = 'file' | 'folder' | 'link';

export interface OldTreeSource {
  /** The sorted file list; a place is an index in it. Control files are without a slash. */
  readonly paths: readonly string[];
  /** Paths that the old package's md5sums or conffiles name. */
  readonly files: ReadonlySet<string>;
  /** Paths that are not in the old package though the list has them, as with control files. */
  readonly absent?: ReadonlySet<string>;
  /** Size of an old file; asked only for files that the layout copies or measures others by. */
  readonly size: (place: number) => number;
  /**
   * Target of an old symbolic link, one character a byte, or null when it is none. Asked only when
   * a layout says so; without it, a generator sends all targets.
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

export interface OldTree extends OldTreeSource {
  readonly expected: readonly ExpectedEntry[];
}

export function describeOldTree(source: OldTreeSource): OldTree {
  const keyed = source.paths.map((path, place) => {
    const slashed = path.startsWith('/') ? path : `/${path}`;
    const bytes = Buffer.from(slashed, 'utf8').toString('latin1');
    // A slash before all other bytes keeps a folder's entries together.
    return { place, path: bytes, key: bytes.replaceAll('/', '\0'), listed: path };
  });
  keyed.sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0));
  const entries: ExpectedEntry[] = [{ path: '', place: null, kind: 'folder' }];
  const links: ExpectedEntry[] = [];
  const absent: ExpectedEntry[] = [];
  for (const [index, { path, place, listed }] of keyed.entries()) {
    const isFolder = keyed[index + 1]?.path.startsWith(`${path}/`) ?? false;
    const kind = isFolder ? 'folder' : source.files.has(listed) ? 'file' : 'link';
    const list = source.absent?.has(listed) ? absent : kind === 'link' ? links : entries;
    list.push({ path, place, kind });
  }
  return { ...source, expected: [...entries, ...links, ...absent] };
}
