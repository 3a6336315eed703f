import type { FileHandle } from 'node:fs/promises';

import { listedPath, walkTar, type TarEntry } from '../deb/tar.js';
import { isDebshoalError } from '../errors.js';
import { zigzag } from '../io/byte-codec.js';
import { readExactly } from '../io/files.js';
import { ColumnWriter, type TarStreams } from './columns.js';
import { writeEdits } from './edits.js';
import { BLOCK, readLink, readTime, templateOf, typeOf, type Template } from './header.js';
import { expectOrigin, LayoutState, ORIGIN, originContext, timeContext } from './layout-state.js';
import { LinkCoder } from './links.js';
import { NameCoder, styleOf, usualStyle, type EntryName } from './names.js';
import { expectTree, type ExpectedTree, type OldTree } from './old-tree.js';
import { contextOf, type Context } from './recall.js';
import { MAX_STRETCH, readLongLink, renderStretch, usualEnd } from './stretch.js';
import { MAX_TEXT } from './texts.js';

/** A tar inside a file. */
export interface TarPlace {
  readonly file: FileHandle;
  readonly start: number;
  readonly length: number;
}

/** An entry with content, or an empty file, for which an origin is asked. */
export interface ContentEntry {
  /** As dpkg lists it, UTF-8; '' for bytes after the last entry, which must be made. */
  readonly path: string;
  /** In the file. */
  readonly offset: number;
  readonly size: number;
  /** Counts the entries with content, from 0. */
  readonly index: number;
  /** The old entry in whose place this one is, perhaps under another name; null for new ones. */
  readonly place: number | null;
}

export type Origin =
  /** Identical to an old file. */
  | { readonly kind: 'copy'; readonly place: number }
  /**
   * `nearOld`: the client reads the old file in this place in any case, so its size may be used to
   * tell the new one. For empty files the origin is ignored unless it is a copy.
   */
  | { readonly kind: 'made'; readonly nearOld?: boolean };

export type FindOrigin = (entry: ContentEntry) => Origin | Promise<Origin>;

/** Fewer links than these are told in full: the old ones would be one more thing that can change. */
const LINKS_WORTH_ASKING = 12;

/** Codes tars one after the other; what one taught is known in the next. */
export class TarLayoutEncoder {
  readonly #out = new ColumnWriter();
  readonly #state = new LayoutState();

  /** Adds a tar. `origin` is asked once for each content, in order. */
  async add(tar: TarPlace, old: OldTree, origin: FindOrigin): Promise<void> {
    const entries = await readableEntries(tar);
    const links = entries.filter((entry) => entry.type === 'symlink').length;
    const asksLinks = old.linkTarget !== undefined && links >= LINKS_WORTH_ASKING;
    const expected = expectTree(old, asksLinks);
    this.#out.put('numbers', asksLinks ? 1 : 0);
    if (asksLinks) this.#out.put('numbers', expected.fingerprint);
    this.#out.put('numbers', zigzag(entries.length - expected.present));
    this.#state.startTar();
    await new OneTar(tar, old, expected, origin, this.#out, this.#state).encode(entries);
  }

  finish(): TarStreams {
    return this.#out.finish();
  }
}

/** The entries up to where the tar is none any more. */
async function readableEntries(tar: TarPlace): Promise<TarEntry[]> {
  const entries: TarEntry[] = [];
  let end = tar.start;
  try {
    for await (const entry of walkTar(tar.file, tar.start, tar.length)) {
      if (entry.offset - end > MAX_STRETCH || entry.path.length > MAX_TEXT) break;
      entries.push(entry);
      end = entry.offset + entry.size;
    }
  } catch (error) {
    if (!isDebshoalError(error, 'deb-malformed')) throw error;
  }
  return entries;
}

class OneTar {
  readonly #tar: TarPlace;
  readonly #old: OldTree;
  readonly #origin: FindOrigin;
  readonly #out: ColumnWriter;
  readonly #state: LayoutState;
  readonly #names: NameCoder;
  readonly #links: LinkCoder;
  readonly #positions: ReadonlyMap<string, number>;
  /** Where the last content ends, in the tar, and its size. */
  #end = 0;
  #lastSize = 0;
  #contents = 0;

  constructor(
    tar: TarPlace,
    old: OldTree,
    { entries, targets }: ExpectedTree,
    origin: FindOrigin,
    out: ColumnWriter,
    state: LayoutState,
  ) {
    this.#tar = tar;
    this.#old = old;
    this.#origin = origin;
    this.#out = out;
    this.#state = state;
    this.#names = new NameCoder(entries);
    this.#links = new LinkCoder(targets);
    this.#positions = new Map(entries.map((entry, position) => [entry.path, position]));
  }

  async encode(entries: readonly TarEntry[]): Promise<void> {
    const kept = new Set(entries.map((entry) => listedPath(entry.path)));
    for (const entry of entries) await this.#encodeEntry(entry, kept);
    await this.#encodeEnd();
  }

  async #encodeEntry(entry: TarEntry, kept: ReadonlySet<string>): Promise<void> {
    const { file, start } = this.#tar;
    const stretchStart = start + this.#end;
    const stretch = await readExactly(file, stretchStart, entry.offset - stretchStart);
    const header = stretch.subarray(stretch.length - BLOCK);

    const name = this.#names.write(
      this.#out,
      entry.path,
      (path) => this.#positions.get(path),
      (path) => kept.has(path),
    );
    const context = contextOf(name.path, name.kind);
    const link = this.#linkOf(header, stretch);
    const mtime = readTime(header);
    const fields = { name: entry.path, link, size: entry.size, mtime };
    const style = styleOf(entry.path) ?? usualStyle(name.kind);
    const template = templateOf(header, fields, style);
    this.#encodeTemplate(template, context, name);
    this.#encodeTime(mtime, timeContext(context));
    const type = typeOf(template);
    if (type === '1' || type === '2') {
      const { path, place } = name;
      const linked = { isHard: type === '1', path, place, renaming: this.#names.renaming };
      this.#links.write(this.#out, linked, link);
    } else if (!'3456'.includes(type)) {
      await this.#encodeContent(entry, name, context);
    }
    this.#names.remember(entry.path, name.kind);
    this.#links.remember(entry.path);

    const expected = renderStretch(this.#lastSize, template, fields);
    const isExpected = expected.equals(stretch);
    this.#out.put('exceptions', isExpected ? 0 : 1);
    if (!isExpected) writeEdits(this.#out.edits, expected, stretch);
    this.#end = entry.offset + entry.size - start;
    this.#lastSize = entry.size;
  }

  #linkOf(header: Buffer, stretch: Buffer): string {
    if (!'12'.includes(String.fromCharCode(header[156] ?? 0))) return '';
    const link = readLongLink(stretch, this.#lastSize) ?? readLink(header);
    return link.length > MAX_TEXT ? '' : link;
  }

  #encodeTemplate(template: Template, context: Context, { kind }: EntryName): void {
    const expected = this.#state.expectTemplate(context, kind);
    this.#state.templates.write(this.#out, context, expected, template, () => {
      const [before, after] = [expected, template].map((text) => Buffer.from(text, 'latin1'));
      if (before && after) writeEdits(this.#out.edits, before, after);
    });
  }

  #encodeTime(mtime: number, context: Context): void {
    const { times } = this.#state;
    const { first } = times;
    if (first === undefined) {
      this.#out.put('numbers', zigzag(mtime));
      times.learn(context, mtime);
    } else {
      times.write(this.#out, context, times.expect(context) ?? first, mtime, () => {
        this.#out.put('numbers', zigzag(mtime - first));
      });
    }
  }

  async #encodeContent(entry: TarEntry, name: EntryName, context: Context): Promise<void> {
    const { offset, size } = entry;
    const index = this.#contents++;
    const { place } = name;
    const path = Buffer.from(name.path, 'latin1').toString('utf8');
    const origin = await this.#origin({ path, offset, size, index, place });
    const near = originContext(context, name);
    const code = codeOf(origin, size, place);
    this.#state.origins.write(
      this.#out,
      near,
      expectOrigin(this.#state, near, name),
      code,
      () => undefined,
    );
    if (origin.kind === 'copy') {
      const oldSize = this.#old.size(origin.place);
      if (oldSize !== size) throw new Error(`${path}: a copy of a file of ${oldSize} bytes`);
      if (code === ORIGIN.otherPlace) this.#out.put('numbers', origin.place);
    } else if (code === ORIGIN.made) this.#out.put('sizes', size);
    else if (code === ORIGIN.madeNearOld && place !== null) {
      this.#out.put('sizes', zigzag(size - this.#old.size(place)));
    }
  }

  async #encodeEnd(): Promise<void> {
    const { start, length } = this.#tar;
    const rest = length - this.#end;
    const zeros = await countZeros(this.#tar, this.#end);
    if (zeros === rest && rest === usualEnd(this.#end, this.#lastSize)) {
      this.#out.put('numbers', 0);
      return;
    }
    this.#out.put('numbers', 1 + zeros);
    this.#out.put('numbers', rest - zeros);
    if (zeros === rest) return;
    const entry = { path: '', offset: start + this.#end + zeros, size: rest - zeros };
    await this.#origin({ ...entry, index: this.#contents, place: null });
  }
}

function codeOf(origin: Origin, size: number, place: number | null): number {
  if (origin.kind === 'copy') return origin.place === place ? ORIGIN.samePlace : ORIGIN.otherPlace;
  if (size === 0) return ORIGIN.empty;
  return origin.nearOld === true && place !== null ? ORIGIN.madeNearOld : ORIGIN.made;
}

const SCANNED_BYTES = 1 << 16;

/** Zeros from `from` on, in the tar. */
async function countZeros({ file, start, length }: TarPlace, from: number): Promise<number> {
  for (let at = from; at < length; at += SCANNED_BYTES) {
    const bytes = await readExactly(file, start + at, Math.min(SCANNED_BYTES, length - at));
    const first = bytes.findIndex((byte) => byte !== 0);
    if (first !== -1) return at + first - from;
  }
  return length - from;
}
