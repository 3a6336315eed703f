/** What a stream is made of: the generator tries the models that suit it. */
export type StreamKind =
  /** Unsigned LEB128 numbers, one column of a table. */
  | 'varints'
  /** Single bytes: what a matched byte differs by, in order. */
  | 'values'
  /** Anything: content that matched nothing, headers. */
  | 'bytes';

interface StreamDefinition {
  readonly name: string;
  readonly kind: StreamKind;
}

/**
 * Every stream of a delta. The place in this list is the number of the stream in the format: append
 * only, never reorder, never take one out.
 */
const STREAMS = [
  { name: 'header', kind: 'bytes' },
  { name: 'layout', kind: 'bytes' },
  { name: 'match-lengths', kind: 'varints' },
  { name: 'match-extras', kind: 'varints' },
  { name: 'match-seeks', kind: 'varints' },
  { name: 'elf-sections', kind: 'varints' },
  { name: 'code-gaps', kind: 'varints' },
  { name: 'code-values', kind: 'values' },
  { name: 'code-extra', kind: 'bytes' },
  { name: 'unwind-gaps', kind: 'varints' },
  { name: 'unwind-values', kind: 'values' },
  { name: 'unwind-extra', kind: 'bytes' },
  { name: 'table-gaps', kind: 'varints' },
  { name: 'table-values', kind: 'values' },
  { name: 'table-extra', kind: 'bytes' },
  { name: 'string-gaps', kind: 'varints' },
  { name: 'string-values', kind: 'values' },
  { name: 'string-extra', kind: 'bytes' },
  { name: 'data-gaps', kind: 'varints' },
  { name: 'data-values', kind: 'values' },
  { name: 'data-extra', kind: 'bytes' },
  { name: 'other-gaps', kind: 'varints' },
  { name: 'other-values', kind: 'values' },
  { name: 'other-extra', kind: 'bytes' },
] as const satisfies readonly StreamDefinition[];

export type StreamName = (typeof STREAMS)[number]['name'];

const definitions: readonly StreamDefinition[] = STREAMS;
const numbers = new Map(definitions.map(({ name }, number) => [name, number]));

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
  return definitions[number]?.kind ?? 'bytes';
}
