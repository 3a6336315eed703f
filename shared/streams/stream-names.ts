/** What a stream is made of: the mixing coder looks at it accordingly. The place is its number. */
export const STREAM_KINDS = [
  /** A column of unsigned LEB128 numbers below 2^38. */
  'numbers',
  /** The same of zigzag numbers: steps that often go back. */
  'signed',
  /** Single bytes: what each byte that differs, differs by. */
  'values',
  /** Anything else, such as text. */
  'bytes',
  /** Machine code that matched nothing. */
  'code',
  /** Tables of fields of four or eight bytes. */
  'records',
] as const;

export type StreamKind = (typeof STREAM_KINDS)[number];

interface StreamDefinition {
  readonly name: string;
  readonly kind: StreamKind;
  /** Streams with as many rows that tell something about this one: at most two, further up. */
  readonly companions?: readonly string[];
}

/**
 * Every stream of a delta. The place in this list is the number of the stream in the format: append
 * only, never reorder, never take one out, change neither kind nor companions.
 */
const STREAMS = [
  { name: 'header', kind: 'bytes' },
  { name: 'envelope', kind: 'bytes' },
  { name: 'segments', kind: 'numbers' },
  { name: 'fingerprints', kind: 'bytes' },
  { name: 'tar-places', kind: 'numbers' },
  { name: 'tar-names', kind: 'numbers' },
  { name: 'tar-templates', kind: 'numbers' },
  { name: 'tar-times', kind: 'numbers' },
  { name: 'tar-links', kind: 'numbers' },
  { name: 'tar-origins', kind: 'numbers' },
  { name: 'tar-sizes', kind: 'numbers' },
  { name: 'tar-exceptions', kind: 'numbers' },
  { name: 'tar-numbers', kind: 'numbers' },
  { name: 'tar-text', kind: 'bytes' },
  { name: 'tar-edits', kind: 'bytes' },
  { name: 'fold-counts', kind: 'numbers' },
  { name: 'fold-inner-counts', kind: 'numbers' },
  { name: 'fold-gaps', kind: 'numbers' },
  { name: 'fold-lengths', kind: 'numbers' },
  { name: 'fold-packed-lengths', kind: 'numbers' },
  { name: 'fold-recipes', kind: 'numbers' },
  { name: 'fold-table', kind: 'bytes' },
  { name: 'match-lengths', kind: 'numbers' },
  { name: 'match-gaps', kind: 'numbers', companions: ['match-lengths'] },
  { name: 'match-steps', kind: 'signed', companions: ['match-lengths', 'match-gaps'] },
  { name: 'elf-pairs', kind: 'numbers' },
  { name: 'elf-layouts', kind: 'bytes' },
  { name: 'code-gaps', kind: 'numbers' },
  { name: 'code-values', kind: 'values', companions: ['code-gaps'] },
  { name: 'code-extra', kind: 'code' },
  { name: 'unwind-gaps', kind: 'numbers' },
  { name: 'unwind-values', kind: 'values', companions: ['unwind-gaps'] },
  { name: 'unwind-extra', kind: 'records' },
  { name: 'table-gaps', kind: 'numbers' },
  { name: 'table-values', kind: 'values', companions: ['table-gaps'] },
  { name: 'table-extra', kind: 'records' },
  { name: 'data-gaps', kind: 'numbers' },
  { name: 'data-values', kind: 'values', companions: ['data-gaps'] },
  { name: 'data-extra', kind: 'records' },
  { name: 'string-gaps', kind: 'numbers' },
  { name: 'string-values', kind: 'values', companions: ['string-gaps'] },
  { name: 'string-extra', kind: 'bytes' },
  { name: 'plain-gaps', kind: 'numbers' },
  { name: 'plain-values', kind: 'values', companions: ['plain-gaps'] },
  { name: 'plain-extra', kind: 'bytes' },
] as const satisfies readonly StreamDefinition[];

export type StreamName = (typeof STREAMS)[number]['name'];

const definitions: readonly StreamDefinition[] = STREAMS;
const numbers = new Map(definitions.map(({ name }, number) => [name, number]));
const companions = new Map(
  definitions.map((definition, number) => [
    number,
    (definition.companions ?? []).flatMap((name) => numbers.get(name) ?? []),
  ]),
);

/** How many streams there are: every number in a package is below. */
export const STREAM_COUNT = STREAMS.length;

export function numberOfStream(name: StreamName): number {
  const number = numbers.get(name);
  if (number === undefined) throw new Error(`no stream is named ${name}`);
  return number;
}

/** The name of a number below STREAM_COUNT. */
export function nameOfStream(number: number): StreamName {
  const stream = STREAMS[number];
  if (stream === undefined) throw new Error(`no stream has the number ${number}`);
  return stream.name;
}

export function kindOfStream(number: number): StreamKind {
  return definitionOf(number).kind;
}

/** The numbers of the streams that tell something about this one, at most two. */
export function companionsOf(number: number): readonly number[] {
  return companions.get(number) ?? [];
}

function definitionOf(number: number): StreamDefinition {
  const definition = definitions[number];
  if (definition === undefined) throw new Error(`no stream has the number ${number}`);
  return definition;
}

/** A stream's number in the format, and its expanded length. */
export interface StreamSpan {
  readonly number: number;
  readonly length: number;
}

export function totalLength(streams: readonly StreamSpan[]): number {
  return streams.reduce((sum, { length }) => sum + length, 0);
}
