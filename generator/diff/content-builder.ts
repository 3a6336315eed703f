import type { DeltaContent } from '../../shared/delta/container.js';
import type { LiteralDictionary, Operation, SourceFile } from '../../shared/delta/delta.js';
import { compressFrame } from '../../shared/delta/zstd-frame.js';
import { LIMITS } from '../../shared/limits.js';
import type { Base, Choice } from './choose-operation.js';
import type { OldFiles } from './old-files.js';

export type BuiltContent = Pick<DeltaContent, 'literals' | 'patches'> &
  Pick<DeltaContent['header'], 'sources' | 'dictionary' | 'operations'>;

/** Collects choices in the order of the image, numbers their sources, gathers the streams. */
export class ContentBuilder {
  readonly #old: OldFiles;
  readonly #operations: Operation[] = [];
  readonly #sources: SourceFile[] = [];
  readonly #numbers = new Map<string, number>();
  readonly #literals: Buffer[] = [];
  readonly #patches: Buffer[] = [];
  readonly #dictionary: LiteralDictionary['parts'][number][] = [];
  readonly #dictionaryBytes: Buffer[] = [];
  #dictionaryLength = 0;

  constructor(old: OldFiles) {
    this.#old = old;
  }

  /** Bytes between files: tar headers, ar headers, padding. */
  literal(bytes: Buffer): void {
    if (bytes.length === 0) return;
    this.#literals.push(bytes);
    const last = this.#operations.at(-1);
    if (last?.method === 'literal' && last.gzip === null) {
      const contentLength = last.contentLength + bytes.length;
      this.#operations[this.#operations.length - 1] = { ...last, contentLength };
    } else {
      this.#operations.push(operation('literal', bytes.length));
    }
  }

  add({ method, base, gzip, contentLength, bytes }: Choice): void {
    if (method === 'literal') {
      if (base) this.useAsDictionary(base);
      if (gzip === null) {
        this.literal(bytes);
        return;
      }
      this.#literals.push(bytes);
      this.#operations.push({ ...operation(method, contentLength), gzip });
      return;
    }
    this.#patches.push(bytes);
    this.#operations.push({
      ...operation(method, contentLength),
      gzip,
      source: base ? this.#numberOf(base) : null,
      openSource: base?.opened ?? false,
      patchLength: bytes.length,
    });
  }

  /** Puts an old file before the literal stream, as long as zstd's window reaches it. */
  useAsDictionary(base: Base): void {
    const length = this.#dictionaryLength + base.content.length;
    if (length > MAX_DICTIONARY) return;
    const source = this.#numberOf(base);
    const isKnown = this.#dictionary.some(
      (part) => part.source === source && part.openSource === base.opened,
    );
    if (isKnown) return;
    this.#dictionary.push({ source, openSource: base.opened });
    this.#dictionaryBytes.push(base.content);
    this.#dictionaryLength = length;
  }

  finish(): BuiltContent {
    const literals = Buffer.concat(this.#literals);
    const dictionary = this.#dictionaryLength > 0 ? Buffer.concat(this.#dictionaryBytes) : null;
    return {
      sources: this.#sources,
      dictionary: { length: this.#dictionaryLength, parts: this.#dictionary },
      operations: this.#operations,
      literals: { packed: compressFrame(literals, dictionary), length: literals.length },
      patches: this.#patches,
    };
  }

  #numberOf(base: Base): number {
    const source = this.#old.asSource(base.file, base.fileContent);
    const key = `${source.member} ${source.place}`;
    const known = this.#numbers.get(key);
    if (known !== undefined) return known;
    this.#numbers.set(key, this.#sources.length);
    return this.#sources.push(source) - 1;
  }
}

/** Half of zstd's window, so that literals as long as their dictionary still see all of it. */
const MAX_DICTIONARY = LIMITS.zstdDictionaryBytes / 2;

function operation(method: Operation['method'], contentLength: number): Operation {
  return { method, contentLength, source: null, openSource: false, patchLength: 0, gzip: null };
}
