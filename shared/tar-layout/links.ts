import { damaged, type ColumnReader, type ColumnWriter } from './columns.js';
import { applyRenaming, commonEnds, readText, writeText, type Renaming } from './texts.js';

/*
 * Targets of links. A hard link is told by how far back its entry is. A symbolic link is expected
 * to have its old target, where the layout asks the old package for them, else that of the link
 * before it; a new target is similar to that or to the link's own name.
 */
const EXPECTED = 0;
const LIKE_EXPECTED = 1;
const LIKE_NAME = 2;

export interface LinkedEntry {
  readonly isHard: boolean;
  /** As dpkg lists it. */
  readonly path: string;
  readonly place: number | null;
  readonly renaming: Renaming | null;
}

export class LinkCoder {
  /** Of old links, by place. */
  readonly #targets: ReadonlyMap<number, string>;
  /** Names in the tar, in its order, for hard links. */
  readonly #names: string[] = [];
  /** Index of each name, once the first hard link asks: most packages have none. */
  #indexes: Map<string, number> | null = null;
  #previous = '';

  constructor(targets: ReadonlyMap<number, string>) {
    this.#targets = targets;
  }

  /** Each entry after it is coded, links too. */
  remember(name: string): void {
    this.#indexes?.set(name, this.#names.length);
    this.#names.push(name);
  }

  write(out: ColumnWriter, entry: LinkedEntry, link: string): void {
    const index = entry.isHard ? this.#indexOf(link) : undefined;
    const expected = this.#expect(entry);
    const name = baseName(entry.path);
    if (index !== undefined) {
      out.put('links', EXPECTED);
      out.put('numbers', this.#names.length - 1 - index);
    } else if (!entry.isHard && link === expected) {
      out.put('links', EXPECTED);
    } else {
      const isLikeName = common(name, link) > common(expected, link);
      out.put('links', isLikeName ? LIKE_NAME : LIKE_EXPECTED);
      writeText(out, isLikeName ? name : expected, link);
    }
    this.#previous = link;
  }

  read(input: ColumnReader, entry: LinkedEntry): string {
    const expected = this.#expect(entry);
    const how = input.take('links', LIKE_NAME);
    let link: string;
    if (how !== EXPECTED)
      link = readText(input, how === LIKE_NAME ? baseName(entry.path) : expected);
    else link = entry.isHard ? this.#earlierName(input) : expected;
    this.#previous = link;
    return link;
  }

  #indexOf(name: string): number | undefined {
    this.#indexes ??= new Map(this.#names.map((earlier, index) => [earlier, index]));
    return this.#indexes.get(name);
  }

  #earlierName(input: ColumnReader): string {
    const last = this.#names.length - 1;
    const name = this.#names[last - input.take('numbers', Math.max(0, last))];
    if (name === undefined) throw damaged('a hard link before all files');
    return name;
  }

  #expect({ isHard, place, renaming }: LinkedEntry): string {
    const old = isHard || place === null ? undefined : this.#targets.get(place);
    return old === undefined ? this.#previous : applyRenaming(renaming, old);
  }
}

function baseName(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

function common(a: string, b: string): number {
  const { start, end } = commonEnds(a, b);
  return start + end;
}
