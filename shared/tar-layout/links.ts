import { createHash, type Hash } from 'node:crypto';

import { DebshoalError } from '../errors.js';
import { damaged, type ColumnReader, type ColumnWriter } from './columns.js';
import type { OldTree } from './old-tree.js';
import { applyRenaming, readText, writeText, type Renaming } from './texts.js';

/*
 * Targets of links. A hard link is told by the index of an earlier entry. A symbolic link is
 * expected to have the target that it has on the machine, where the layout says so: then the
 * targets that were asked for are hashed, so that a link that somebody changed is found.
 */
const EXPECTED = 0;
const TEXT = 1;

const FINGERPRINT_BYTES = 4;

export interface LinkedEntry {
  readonly isHard: boolean;
  readonly place: number | null;
  readonly renaming: Renaming | null;
}

export class LinkCoder {
  readonly #tree: OldTree;
  readonly #asksOld: boolean;
  readonly #asked: Hash = createHash('sha256');
  /** Names in the tar, in its order, for hard links. */
  readonly #names: string[] = [];
  readonly #indexes = new Map<string, number>();
  #previous = '';

  constructor(tree: OldTree, asksOld: boolean) {
    this.#tree = tree;
    this.#asksOld = asksOld;
  }

  /** Each entry after it is coded, links too. */
  remember(name: string): void {
    this.#indexes.set(name, this.#names.length);
    this.#names.push(name);
  }

  write(out: ColumnWriter, entry: LinkedEntry, link: string): void {
    const index = entry.isHard ? this.#indexes.get(link) : undefined;
    const expected = this.#expect(entry);
    const isExpected = index !== undefined || link === expected;
    out.put('links', isExpected ? EXPECTED : TEXT);
    if (index !== undefined) out.put('numbers', this.#names.length - 1 - index);
    else if (!isExpected) writeText(out, expected ?? this.#previous, link);
    this.#previous = link;
  }

  read(input: ColumnReader, entry: LinkedEntry): string {
    const expected = this.#expect(entry);
    let link = expected;
    if (input.take('links', TEXT) === TEXT) link = readText(input, expected ?? this.#previous);
    else if (entry.isHard) {
      const back = input.take('numbers', Math.max(0, this.#names.length - 1));
      link = this.#names[this.#names.length - 1 - back] ?? null;
    }
    if (link === null) throw damaged('a link to nowhere');
    this.#previous = link;
    return link;
  }

  /** First bytes of the hash of all old targets that were asked for. */
  fingerprint(): number {
    return this.#asked.digest().readUIntBE(0, FINGERPRINT_BYTES);
  }

  #expect({ isHard, place, renaming }: LinkedEntry): string | null {
    if (isHard || !this.#asksOld || place === null) return null;
    const old = this.#tree.linkTarget?.(place) ?? null;
    this.#asked.update(`${old ?? '\n'}\0`, 'latin1');
    return old === null ? null : applyRenaming(renaming, old);
  }
}

/** The old links are not as the generator saw them. */
export function linksChanged(): DebshoalError {
  return new DebshoalError('source-changed', 'a symbolic link of the old package was changed');
}
