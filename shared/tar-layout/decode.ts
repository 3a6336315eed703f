import { DebshoalError } from '../errors.js';
import { listedPath } from '../deb/tar.js';
import { unzigzag } from '../io/byte-codec.js';
import { ColumnReader, damaged, type TarStreams } from './columns.js';
import { readEdits } from './edits.js';
import { TEMPLATE_BYTES, nameStyleOf, typeOf, type Template } from './header.js';
import { expectOrigin, LayoutState, ORIGIN, originContext, timeContext } from './layout-state.js';
import { LinkCoder } from './links.js';
import { NameCoder, nameInStyle, type EntryName } from './names.js';
import { expectTree, type ExpectedTree, type OldTree } from './old-tree.js';
import { contextOf, noNewValue, type Context } from './recall.js';
import { MAX_STRETCH, renderStretch, usualEnd } from './stretch.js';

export type TarStretch =
  /** Headers, padding, and the end. */
  | { readonly kind: 'bytes'; readonly bytes: Buffer }
  /** A whole old file. Paths are as dpkg lists them, UTF-8. */
  | {
      readonly kind: 'copy';
      readonly place: number;
      readonly size: number;
      readonly path: string;
    }
  /**
   * The next made content; its path is '' for bytes after the last entry. `place` is that of the old
   * entry which it replaces.
   */
  | {
      readonly kind: 'made';
      readonly place: number | null;
      readonly size: number;
      readonly path: string;
    }
  /** An entry without content of its own, after the bytes of its header; it adds nothing. */
  | { readonly kind: 'empty'; readonly path: string }
  | { readonly kind: 'hardlink'; readonly path: string; readonly target: string };

export interface TarLimits {
  /** Bytes of the tar. */
  readonly bytes: number;
  readonly entries: number;
  /** Bytes of all names that the old package has not: they are kept in memory. */
  readonly newNameBytes: number;
}

/** Bytes that are yielded in one piece, about. */
const PIECE_BYTES = 1 << 16;
/** 2^52 either way, so that differences stay exact. */
const MAX_ZIGZAG = Number.MAX_SAFE_INTEGER;
const MAX_FINGERPRINT = 2 ** 32 - 1;

/** Decodes what a TarLayoutEncoder coded, tar by tar in the same order. */
export class TarLayoutDecoder {
  readonly #input: ColumnReader;
  readonly #state = new LayoutState();

  constructor(streams: TarStreams) {
    this.#input = new ColumnReader(streams);
  }

  /**
   * The stretches of the next tar, in order; read it to its end before the next one. Damaged or
   * hostile streams are `delta-damaged`, changed old links `source-changed`.
   */
  *tar(old: OldTree, limits: TarLimits): Generator<TarStretch> {
    const asksLinks = this.#input.take('numbers', 1) === 1;
    const expected = expectTree(old, asksLinks);
    if (asksLinks && this.#input.take('numbers', MAX_FINGERPRINT) !== expected.fingerprint) {
      throw new DebshoalError('source-changed', 'a symbolic link of the old package was changed');
    }
    this.#state.startTar();
    yield* new OneTar(old, expected, this.#input, this.#state, limits).decode();
  }

  /** After the last tar: `delta-damaged` when anything is left over. */
  expectEnd(): void {
    this.#input.expectEnd();
  }
}

interface Content {
  readonly origin: 'copy' | 'made' | 'empty';
  readonly place: number;
  readonly size: number;
}

const NO_CONTENT: Content = { origin: 'empty', place: 0, size: 0 };

class OneTar {
  readonly #old: OldTree;
  readonly #input: ColumnReader;
  readonly #state: LayoutState;
  readonly #limits: TarLimits;
  readonly #expected: ExpectedTree;
  readonly #names: NameCoder;
  readonly #links: LinkCoder;
  #length = 0;
  #lastSize = 0;
  #newNameBytes = 0;
  #pending: Buffer[] = [];
  #pendingBytes = 0;

  constructor(
    old: OldTree,
    expected: ExpectedTree,
    input: ColumnReader,
    state: LayoutState,
    limits: TarLimits,
  ) {
    this.#old = old;
    this.#input = input;
    this.#state = state;
    this.#limits = limits;
    this.#expected = expected;
    this.#names = new NameCoder(expected.entries);
    this.#links = new LinkCoder(expected.targets);
  }

  *decode(): Generator<TarStretch> {
    const input = this.#input;
    const count = this.#expected.present + unzigzag(input.take('numbers', MAX_ZIGZAG));
    if (count < 0 || count > this.#limits.entries) throw damaged('too many entries');
    for (let index = 0; index < count; index++) yield* this.#decodeEntry();
    yield* this.#decodeEnd();
  }

  *#decodeEntry(): Generator<TarStretch> {
    const input = this.#input;
    const entry = this.#names.read(input);
    const context = contextOf(entry.path, entry.kind);
    const template = this.#decodeTemplate(context, entry);
    const mtime = this.#decodeTime(timeContext(context));
    const name = entry.text ?? nameInStyle(entry.path, nameStyleOf(template));
    if (entry.text !== null) this.#countName(name);
    const type = typeOf(template);
    let link = '';
    let content = NO_CONTENT;
    if (type === '1' || type === '2') {
      const isHard = type === '1';
      const { path, place } = entry;
      link = this.#links.read(input, { isHard, path, place, renaming: this.#names.renaming });
    } else if (!'3456'.includes(type)) content = this.#decodeContent(entry, context);
    this.#names.remember(name, entry.kind);
    this.#links.remember(name);

    const { size, place, origin } = content;
    const expected = renderStretch(this.#lastSize, template, { name, link, size, mtime });
    const isException = input.take('exceptions', 1) === 1;
    this.#put(isException ? readEdits(input.edits, expected, MAX_STRETCH) : expected);
    this.#lastSize = size;
    this.#grow(size);
    const path = utf8(entry.path);
    if (origin === 'empty' || size === 0) {
      if (this.#pendingBytes >= PIECE_BYTES) yield* this.#flush();
      if (type === '1') yield { kind: 'hardlink', path, target: utf8(listedPath(link)) };
      else if (!'23456'.includes(type)) yield { kind: 'empty', path };
      return;
    }
    yield* this.#flush();
    yield origin === 'copy'
      ? { kind: 'copy', place, size, path }
      : { kind: 'made', place: entry.place, size, path };
  }

  #decodeTemplate(context: Context, { kind }: EntryName): Template {
    const expected = this.#state.expectTemplate(context, kind);
    return this.#state.templates.read(this.#input, context, expected, () => {
      const before = Buffer.from(expected, 'latin1');
      const template = readEdits(this.#input.edits, before, TEMPLATE_BYTES);
      if (template.length !== TEMPLATE_BYTES) throw damaged('a header of another length');
      return template.toString('latin1');
    });
  }

  #decodeTime(context: Context): number {
    const { times } = this.#state;
    const { first } = times;
    const difference = (): number => unzigzag(this.#input.take('numbers', MAX_ZIGZAG));
    if (first === undefined) {
      const mtime = difference();
      times.learn(context, mtime);
      return mtime;
    }
    const expected = times.expect(context) ?? first;
    return times.read(this.#input, context, expected, () => first + difference());
  }

  #decodeContent(entry: EntryName, context: Context): Content {
    const input = this.#input;
    const near = originContext(context, entry);
    const expected = expectOrigin(this.#state, near, entry);
    const code = this.#state.origins.read(input, near, expected, noNewValue);
    if (code === ORIGIN.empty) return NO_CONTENT;
    if (code === ORIGIN.made) {
      return { origin: 'made', place: 0, size: input.take('sizes', this.#limits.bytes) };
    }
    const places = this.#old.paths.length;
    const place = code === ORIGIN.otherPlace ? input.take('numbers', places) : entry.place;
    if (place === null || place >= places) throw damaged('a place that the old package has not');
    const oldSize = this.#old.size(place);
    if (code !== ORIGIN.madeNearOld) return { origin: 'copy', place, size: oldSize };
    const size = oldSize + unzigzag(input.take('sizes', MAX_ZIGZAG));
    if (size < 0) throw damaged('a negative size');
    return { origin: 'made', place: 0, size };
  }

  *#decodeEnd(): Generator<TarStretch> {
    const code = this.#input.take('numbers', this.#limits.bytes + 1);
    const zeros = code === 0 ? usualEnd(this.#length, this.#lastSize) : code - 1;
    for (let left = zeros; left > 0; left -= PIECE_BYTES) {
      this.#put(Buffer.alloc(Math.min(left, PIECE_BYTES)));
      yield* this.#flush();
    }
    const size = code === 0 ? 0 : this.#input.take('numbers', this.#limits.bytes);
    this.#grow(size);
    yield* this.#flush();
    if (size > 0) yield { kind: 'made', place: null, size, path: '' };
  }

  #countName(name: string): void {
    this.#newNameBytes += name.length;
    if (this.#newNameBytes > this.#limits.newNameBytes) throw damaged('too many names');
  }

  #put(bytes: Buffer): void {
    this.#grow(bytes.length);
    this.#pending.push(bytes);
    this.#pendingBytes += bytes.length;
  }

  #grow(bytes: number): void {
    this.#length += bytes;
    if (this.#length > this.#limits.bytes) throw damaged('a tar that is too long');
  }

  *#flush(): Generator<TarStretch> {
    if (this.#pendingBytes > 0) yield { kind: 'bytes', bytes: Buffer.concat(this.#pending) };
    this.#pending = [];
    this.#pendingBytes = 0;
  }
}

/** From one character a byte. */
function utf8(latin1: string): string {
  return Buffer.from(latin1, 'latin1').toString('utf8');
}
