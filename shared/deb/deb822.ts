import { DebshoalError, type ErrorCode } from '../errors.js';

/**
 * deb822 (RFC 822 as Debian uses it): stanzas of `Name: value` fields, separated by blank lines.
 *
 *   stanza     field+, ended by a blank line or the end of the text
 *   field      Name ":" blanks first-line, then continuation*
 *   continuation   one space or tab, then text that is not blank
 *   comment    "#" at the start of a line, where the caller allows comments
 *
 * A value is its lines joined by "\n": the first one trimmed (empty for lists such as SHA256), the
 * others without the one leading blank and without trailing blanks. Source: Debian Policy 5.1,
 * deb822(5).
 */
export interface Stanza {
  /** Line of the first field, counted from 1. */
  readonly line: number;
  /** The fields in order, their names written as in the text. */
  readonly fields: readonly Field[];
  /** The value of the field called `name` in any letter case. */
  get(name: string): string | undefined;
}

export interface Field {
  readonly name: string;
  readonly value: string;
  readonly line: number;
}

export interface Deb822Options {
  /** The code of the error for malformed text: what that text is to the caller. */
  readonly code: ErrorCode;
  /** A stanza of more bytes is `limit-exceeded`: a text without blank lines ends here. */
  readonly maxStanzaBytes: number;
  /** Skip lines that begin with `#`: files that people write. */
  readonly comments?: boolean;
}

/**
 * Parses stanza by stanza, in memory for one at a time: 50 MB of Packages need no more than the
 * bytes that are already there. Bytes that are not UTF-8 become U+FFFD.
 */
export function* stanzas(text: Uint8Array | string, options: Deb822Options): Generator<Stanza> {
  // A separate small string for each stanza: fields kept by a caller then hold on to that one,
  // not to the whole text (V8's substrings keep their parent alive).
  const bytes = typeof text === 'string' ? Buffer.from(text) : asBuffer(text);
  let line = 1;
  for (let start = 0; start < bytes.length;) {
    const gap = bytes.indexOf('\n\n', start, 'latin1');
    const end = gap < 0 ? bytes.length : gap + 2;
    if (end - start > options.maxStanzaBytes) {
      throw new DebshoalError(
        'limit-exceeded',
        `line ${line}: a stanza of over ${options.maxStanzaBytes} bytes`,
      );
    }
    const lines = bytes.toString('utf8', start, gap < 0 ? end : gap).split('\n');
    yield* stanzasOfLines(lines, line, options);
    line += lines.length + 1;
    start = end;
  }
}

/** Parses text of exactly one stanza. */
export function parseStanza(text: Uint8Array | string, options: Deb822Options): Stanza {
  const [stanza, second] = stanzas(text, options);
  if (stanza === undefined) throw new DebshoalError(options.code, 'no fields where some must be');
  if (second !== undefined) {
    throw new DebshoalError(options.code, `line ${second.line}: a second stanza where one must be`);
  }
  return stanza;
}

/**
 * Writes one stanza, without a blank line after it. Names and values must be such as the parser
 * returns; anything else is a bug, because it would read back as something different.
 */
export function formatStanza(fields: Iterable<readonly [name: string, value: string]>): string {
  let text = '';
  for (const [name, value] of fields) {
    const [first = '', ...more] = value.split('\n');
    if (!isFieldName(name) || trimBlanks(first) !== first || more.some(isMisformedContinuation)) {
      throw new Error(`${JSON.stringify(name)} cannot be written with ${JSON.stringify(value)}`);
    }
    text += first === '' ? `${name}:\n` : `${name}: ${first}\n`;
    for (const line of more) text += ` ${line}\n`;
  }
  return text;
}

interface OpenField {
  name: string;
  value: string;
  line: number;
}

function* stanzasOfLines(
  lines: readonly string[],
  firstLine: number,
  options: Deb822Options,
): Generator<Stanza> {
  let fields: OpenField[] = [];
  let byName = new Map<string, OpenField>();
  let last: OpenField | undefined;
  for (const [index, line] of lines.entries()) {
    const fail = (reason: string): never => {
      throw new DebshoalError(options.code, `line ${firstLine + index}: ${reason}`);
    };
    if (options.comments === true && line.startsWith('#')) continue;
    const end = endWithoutBlanks(line);
    if (end === 0) {
      if (last !== undefined) yield stanzaOf(fields, byName);
      fields = [];
      byName = new Map();
      last = undefined;
    } else if (isBlank(line.charCodeAt(0))) {
      if (last === undefined) fail('a continuation line without a field before it');
      else last.value += `\n${line.slice(1, end)}`;
    } else {
      const colon = line.indexOf(':');
      const name = colon < 0 ? '' : line.slice(0, colon);
      if (!isFieldName(name)) fail('expected "Name: value"');
      const lowerCase = name.toLowerCase();
      if (byName.has(lowerCase)) fail(`field ${name} occurs twice`);
      last = { name, value: trimBlanks(line.slice(colon + 1)), line: firstLine + index };
      byName.set(lowerCase, last);
      fields.push(last);
    }
  }
  if (last !== undefined) yield stanzaOf(fields, byName);
}

function stanzaOf(fields: readonly OpenField[], byName: ReadonlyMap<string, OpenField>): Stanza {
  return {
    line: fields[0]?.line ?? 0,
    fields,
    get: (name) => byName.get(name.toLowerCase())?.value,
  };
}

/** Printable ASCII without the colon, not beginning with `#` or `-`: Policy 5.1. */
function isFieldName(name: string): boolean {
  return /^(?![#-])[!-9;-~]+$/.test(name);
}

function isMisformedContinuation(line: string): boolean {
  const end = endWithoutBlanks(line);
  return end === 0 || end !== line.length;
}

function trimBlanks(text: string): string {
  let start = 0;
  while (isBlank(text.charCodeAt(start))) start++;
  return text.slice(start, Math.max(start, endWithoutBlanks(text)));
}

/** By hand, for /[ \t]+$/ takes quadratic time on a line of blanks that does not end in one. */
function endWithoutBlanks(text: string): number {
  let end = text.length;
  while (end > 0 && isBlank(text.charCodeAt(end - 1))) end--;
  return end;
}

function isBlank(code: number): boolean {
  return code === 0x20 || code === 0x09 || code === 0x0d;
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
