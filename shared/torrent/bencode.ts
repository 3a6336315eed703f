import { DebshoalError } from '../errors.js';

/** What bencoding can say (BEP 3). Byte strings stay bytes; dictionary keys are Latin-1 text. */
export type Bencoded = number | Uint8Array | readonly Bencoded[] | BencodedDictionary;
export type BencodedDictionary = ReadonlyMap<string, Bencoded>;

export function isDictionary(value: Bencoded | undefined): value is BencodedDictionary {
  return value instanceof Map;
}

/** What `encodeBencode` takes: text is written as UTF-8, undefined values are left out. */
export type Encodable =
  | number
  | string
  | Uint8Array
  | readonly Encodable[]
  | { readonly [key: string]: Encodable | undefined };

/** Deeper nesting than any torrent or peer message has; recursion ends here. */
const MAX_DEPTH = 16;

/** Bencodes `value` with dictionary keys in order. Keys must be ASCII, numbers safe integers. */
export function encodeBencode(value: Encodable): Buffer {
  const parts: Uint8Array[] = [];
  write(value, parts);
  return Buffer.concat(parts);
}

function write(value: Encodable, parts: Uint8Array[]): void {
  if (typeof value === 'number') {
    parts.push(Buffer.from(`i${value}e`));
  } else if (typeof value === 'string') {
    write(Buffer.from(value), parts);
  } else if (value instanceof Uint8Array) {
    parts.push(Buffer.from(`${value.length}:`), value);
  } else if (isList(value)) {
    parts.push(Buffer.from('l'));
    for (const item of value) write(item, parts);
    parts.push(Buffer.from('e'));
  } else {
    parts.push(Buffer.from('d'));
    for (const key of Object.keys(value).sort()) {
      const item = value[key];
      if (item === undefined) continue;
      write(key, parts);
      write(item, parts);
    }
    parts.push(Buffer.from('e'));
  }
}

function isList(value: Encodable): value is readonly Encodable[] {
  return Array.isArray(value);
}

/** Where each value of the outermost dictionary lies, to hash it as it was written. */
export interface DecodedBencode {
  readonly value: Bencoded;
  readonly spans: ReadonlyMap<string, readonly [start: number, end: number]>;
  /** Offset behind the value; peers put raw data there. */
  readonly end: number;
}

/**
 * Reads one bencoded value at the start of `bytes`. Strict: no negative lengths (the usual decoder
 * runs for ever on `l-3:`), no leading zeros, no duplicate keys, bounded depth. `ordered` also
 * refuses unsorted keys, which some peers send but no torrent of ours has. Fails with
 * `torrent-malformed`.
 */
export function decodeBencode(bytes: Uint8Array, ordered: boolean): DecodedBencode {
  const spans = new Map<string, readonly [number, number]>();
  let at = 0;

  const fail = (what: string): DebshoalError =>
    new DebshoalError('torrent-malformed', `bencoding: ${what} at byte ${at}`);

  const number = (end: number, pattern: RegExp): number => {
    const stop = bytes.indexOf(end, at);
    if (stop < 0 || stop - at > 17) throw fail('unfinished number');
    const text = Buffer.from(bytes.subarray(at, stop)).toString('latin1');
    const parsed = Number(text);
    if (!pattern.test(text) || !Number.isSafeInteger(parsed)) throw fail('bad number');
    at = stop + 1;
    return parsed;
  };

  const string = (): Uint8Array => {
    const length = number(0x3a, /^(0|[1-9][0-9]*)$/);
    if (length > bytes.length - at) throw fail('string beyond the end');
    at += length;
    return bytes.subarray(at - length, at);
  };

  const dictionary = (depth: number): BencodedDictionary => {
    const entries = new Map<string, Bencoded>();
    let last = '';
    while (bytes[at] !== 0x65) {
      const key = Buffer.from(string()).toString('latin1');
      if (entries.has(key) || (ordered && key < last)) throw fail('keys out of order');
      last = key;
      const start = at;
      entries.set(key, value(depth + 1));
      if (depth === 0) spans.set(key, [start, at]);
    }
    at++;
    return entries;
  };

  const list = (depth: number): Bencoded[] => {
    const items: Bencoded[] = [];
    while (bytes[at] !== 0x65) items.push(value(depth + 1));
    at++;
    return items;
  };

  const value = (depth: number): Bencoded => {
    if (depth > MAX_DEPTH) throw fail('nesting too deep');
    switch (bytes[at]) {
      case 0x69:
        at++;
        return number(0x65, /^(0|-?[1-9][0-9]*)$/);
      case 0x6c:
        at++;
        return list(depth);
      case 0x64:
        at++;
        return dictionary(depth);
      default:
        return string();
    }
  };

  const decoded = value(0);
  return { value: decoded, spans, end: at };
}
