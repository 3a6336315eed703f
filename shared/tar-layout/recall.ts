import { damaged, type ColumnReader, type ColumnWriter } from './columns.js';
import type { EntryKind } from './old-tree.js';

/*
 * Templates, times and origins repeat: what an entry like this one had last is expected again.
 * A column has 0 for the expected value, 1 + index for another known value, and the number of known
 * values + 1 for a new one, which follows elsewhere.
 */

/** What makes entries alike, the most specific first. */
export type Context = readonly string[];

const PROGRAM = /\/(?:s?bin|games)\/[^/]+$|^\/(?:(?:pre|post)(?:inst|rm)|config)$/;

/** Whether a file is one that is usually executable, control.tar's scripts included. */
function isProgram(path: string): boolean {
  return PROGRAM.test(path);
}

/** The context of an entry; `path` as dpkg lists it. */
export function contextOf(path: string, kind: EntryKind): Context {
  const slash = path.lastIndexOf('/');
  const folder = path.slice(0, Math.max(0, slash));
  const dot = path.indexOf('.', slash + 2);
  const ending = dot === -1 ? '' : path.slice(path.lastIndexOf('.'));
  const like = kind === 'file' && isProgram(path) ? 'program' : kind;
  return [`${like}\n${folder}\n${ending}`, `${like}\n${folder}`, `${like}\n\n${ending}`, like];
}

export class RecalledColumn<T> {
  readonly #column: 'templates' | 'times' | 'origins';
  readonly #known: T[];
  readonly #index: Map<T, number>;
  readonly #last = new Map<string, T>();

  constructor(column: 'templates' | 'times' | 'origins', known: readonly T[]) {
    this.#column = column;
    this.#known = [...known];
    this.#index = new Map(known.map((value, index) => [value, index]));
  }

  get first(): T | undefined {
    return this.#known[0];
  }

  /** What an entry of this context had last, the most specific context first. */
  expect(context: Context): T | undefined {
    for (const key of context) {
      const value = this.#last.get(key);
      if (value !== undefined) return value;
    }
    return undefined;
  }

  /** Writes the code of `value`; `writeNew` adds what the code of a new value cannot say. */
  write(out: ColumnWriter, context: Context, expected: T, value: T, writeNew: () => void): void {
    const index = this.#index.get(value) ?? this.#known.length;
    out.put(this.#column, value === expected ? 0 : 1 + index);
    if (index === this.#known.length) writeNew();
    this.learn(context, value);
  }

  read(input: ColumnReader, context: Context, expected: T, readNew: () => T): T {
    const code = input.take(this.#column, this.#known.length + 1);
    const value = code === 0 ? expected : (this.#known[code - 1] ?? readNew());
    this.learn(context, value);
    return value;
  }

  learn(context: Context, value: T): void {
    if (!this.#index.has(value)) {
      this.#index.set(value, this.#known.length);
      this.#known.push(value);
    }
    for (const key of context) this.#last.set(key, value);
  }
}

/** For columns whose values are all known from the start. */
export function noNewValue(): never {
  throw damaged('a code that has no meaning');
}
