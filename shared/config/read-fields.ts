import { stanzas, type Field } from '../deb/deb822.js';
import { DebshoalError } from '../errors.js';
import { LIMITS } from '../limits.js';
import { nearestName } from '../nearest-name.js';

/** Ends the parsing of a field: `reason` continues the sentence "NAME …". */
export type Fail = (reason: string) => never;

/** The names that a configuration knows, each with what its value sets. */
export type FieldParsers<T> = Readonly<Record<string, (value: string, fail: Fail) => Partial<T>>>;

/** A field that was set. */
export interface SetField<T> {
  /** As the configuration's table of fields writes it. */
  readonly name: string;
  readonly line: number;
  readonly sets: Partial<T>;
}

/**
 * Parses a configuration that people write: deb822 with comments. Blank lines mean nothing here, for
 * people put them between fields. A mistake is `config-invalid`, with `file` (what errors call the
 * text), line, field and reason; an unknown field comes with the nearest name.
 */
export function readFields<T>(
  text: Uint8Array | string,
  file: string,
  parsers: FieldParsers<T>,
): readonly SetField<T>[] {
  const lines = new Map<string, number>();
  return fieldsOf(text, file).map((field) => {
    const { name, parse } = findParser(field, file, parsers);
    const fail: Fail = (reason) => {
      throw new DebshoalError('config-invalid', `${file} line ${field.line}: ${name} ${reason}`);
    };
    const before = lines.get(name);
    if (before !== undefined) fail(`is already on line ${before}`);
    lines.set(name, field.line);
    return { name, line: field.line, sets: parse(field.value, fail) };
  });
}

function fieldsOf(text: Uint8Array | string, file: string): readonly Field[] {
  const options = {
    code: 'config-invalid',
    maxStanzaBytes: LIMITS.configBytes,
    comments: true,
  } as const;
  try {
    return [...stanzas(text, options)].flatMap((stanza) => stanza.fields);
  } catch (cause) {
    const reason = cause instanceof DebshoalError ? cause.message : 'cannot be read';
    throw new DebshoalError('config-invalid', `${file} ${reason}`, { cause });
  }
}

function findParser<T>(field: Field, file: string, parsers: FieldParsers<T>) {
  for (const [name, parse] of Object.entries(parsers)) {
    if (name.toLowerCase() === field.name.toLowerCase()) return { name, parse };
  }
  const names = Object.keys(parsers);
  const nearest = nearestName(field.name, names);
  const hint = nearest === null ? `Known fields: ${names.join(', ')}.` : `Did you mean ${nearest}?`;
  const message = `${file} line ${field.line}: unknown field ${field.name}`;
  throw new DebshoalError('config-invalid', message, { hint });
}
