import { listedPath } from '../deb/tar.js';
import { unzigzag, zigzag } from '../io/byte-codec.js';
import { damaged, type ColumnReader, type ColumnWriter } from './columns.js';
import type { EntryKind, ExpectedEntry } from './old-tree.js';
import {
  applyRenaming,
  commonEnds,
  learnRenaming,
  readText,
  writeText,
  type Renaming,
} from './texts.js';

/*
 * Names are told by the position of the old entry in the expected order: `places` has the distance
 * from the position after the last one, `names` what has become of the name there.
 */
const EXPECTED = 0; // as it was, or renamed as the last one was
const UNCHANGED = 1; // as it was, though a renaming would apply
const REPLACED = 2; // a new text for the entry there
const INSERTED = 3; // a new text, and the entry there is still to come

/** How far ahead a renamed entry is looked for. */
const RENAMED_WINDOW = 64;

export interface EntryName {
  /** The old entry in whose place this one is; null for inserted ones and the root folder. */
  readonly place: number | null;
  readonly kind: EntryKind;
  /** As dpkg lists it, one character a byte. */
  readonly path: string;
  /** The name in the tar, where it is none that a style gives; see `nameInStyle`. */
  readonly text: string | null;
}

const STYLE_STARTS = ['./', '', '/'] as const;
const FOLDER_STYLE = 4;

/** Style of names where there is nothing to tell it by: `./usr/bin/git`, folders `./usr/`. */
export function usualStyle(kind: EntryKind): number {
  return kind === 'folder' ? FOLDER_STYLE : 0;
}

export function nameInStyle(path: string, style: number): string {
  const rest = path.slice(1);
  const slash = style >= FOLDER_STYLE && rest !== '' ? '/' : '';
  return `${STYLE_STARTS[style % FOLDER_STYLE] ?? ''}${rest}${slash}`;
}

/** The style that gives `name`, or null. */
export function styleOf(name: string): number | null {
  const path = listedPath(name);
  const folder = name.endsWith('/') ? FOLDER_STYLE : 0;
  const start = STYLE_STARTS.findIndex((_, index) => nameInStyle(path, index + folder) === name);
  return start === -1 ? null : start + folder;
}

export class NameCoder {
  readonly #expected: readonly ExpectedEntry[];
  /** Of the next entry. */
  #position = 0;
  #renaming: Renaming | null = null;
  #previous: { name: string; kind: EntryKind } = { name: './', kind: 'folder' };

  constructor(expected: readonly ExpectedEntry[]) {
    this.#expected = expected;
  }

  /** The last renaming, for links: they follow their targets. */
  get renaming(): Renaming | null {
    return this.#renaming;
  }

  /** `find` gives the position of an old path, `isKept` tells whether a path is in the new tar. */
  write(
    out: ColumnWriter,
    name: string,
    find: (path: string) => number | undefined,
    isKept: (path: string) => boolean,
  ): EntryName {
    const path = listedPath(name);
    const hasStyle = styleOf(name) !== null;
    const found = hasStyle ? (find(path) ?? this.#findRenamed(path)) : undefined;
    let how = REPLACED;
    let position = this.#position;
    if (found !== undefined) {
      position = found;
      how = this.#renamed(position) === path ? EXPECTED : UNCHANGED;
    } else {
      const replaced = this.#findReplaced(path, isKept);
      if (replaced === undefined) how = INSERTED;
      else position = replaced;
    }
    out.put('places', zigzag(position - this.#position));
    out.put('names', how);
    if (how >= REPLACED) writeText(out, this.#similar(position, how), name);
    return this.#advance(position, how, name);
  }

  read(input: ColumnReader): EntryName {
    const last = this.#expected.length;
    const position = this.#position + unzigzag(input.take('places', 2 * last + 1));
    const how = input.take('names', INSERTED);
    if (position < 0 || position >= (how === INSERTED ? last + 1 : last)) {
      throw damaged('a place that the old package has not');
    }
    const text = how >= REPLACED ? readText(input, this.#similar(position, how)) : '';
    return this.#advance(position, how, text);
  }

  /** After an entry: its name in the tar, to which that of the next one may be similar. */
  remember(name: string, kind: EntryKind): void {
    this.#previous = { name, kind };
  }

  #advance(position: number, how: number, text: string): EntryName {
    const old = this.#expected[position];
    this.#position = how === INSERTED ? position : position + 1;
    if (how === INSERTED || old === undefined) {
      const usual = this.#previous.kind === 'link' ? 'link' : 'file';
      const kind = text.endsWith('/') ? 'folder' : usual;
      return { place: null, kind, path: listedPath(text), text };
    }
    const { place } = old;
    if (how === EXPECTED) return { ...old, path: this.#renamed(position), text: null };
    if (how === UNCHANGED) return { ...old, text: null };
    const path = listedPath(text);
    this.#renaming = learnRenaming(old.path, path) ?? this.#renaming;
    const kind = text.endsWith('/') ? 'folder' : old.kind === 'folder' ? 'file' : old.kind;
    // A renamed entry follows the style of its template where it can, as all others do.
    return { place, kind, path, text };
  }

  #similar(position: number, how: number): string {
    const old = this.#expected[position];
    if (how === INSERTED || old === undefined) return this.#previous.name;
    return nameInStyle(this.#renamed(position), usualStyle(old.kind));
  }

  #renamed(position: number): string {
    return applyRenaming(this.#renaming, this.#expected[position]?.path ?? '');
  }

  #findRenamed(path: string): number | undefined {
    const end = Math.min(this.#expected.length, this.#position + RENAMED_WINDOW);
    for (let position = this.#position; position < end; position++) {
      if (this.#renamed(position) === path) return position;
    }
    return undefined;
  }

  /** The entry that comes next in the old order and no more in the new one, if it is similar. */
  #findReplaced(path: string, isKept: (path: string) => boolean): number | undefined {
    const end = Math.min(this.#expected.length, this.#position + RENAMED_WINDOW);
    for (let position = this.#position; position < end; position++) {
      const old = this.#renamed(position);
      if (isKept(old)) continue;
      const { start, end: same } = commonEnds(old, path);
      const folder = path.lastIndexOf('/') + 1;
      const isSimilar = start + same >= (folder + path.length) / 2 && start + same > 1;
      return isSimilar ? position : undefined;
    }
    return undefined;
  }
}
