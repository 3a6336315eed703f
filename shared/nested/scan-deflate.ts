import type { ExpansionBudget } from './expansion-budget.js';
import { mayBeDeflate } from './deflate-header.js';
import { inflateRaw, inflateZlib } from './inflate.js';

/*
 * zlib streams (RFC 1950) anywhere in a file: resources of GTK programs, pages of PDF documents,
 * databases. Two bytes look like a header once in 16,384; the first 4 KiB tell chance from
 * streams, and the Adler-32 at the end proves it.
 */

const WINDOW_32K = 0x78;
/** Streams shorter than this are not worth a fold. */
const MIN_PACKED = 32;
const MIN_CONTENT = 64;
const PROBE_BYTES = 4096;
/** A file of 1 GiB of noise has 65,000 false headers, of which one in ten may start a stream. */
const MAX_PROBES = 20_000;

export interface ScannedStream {
  /** Where the deflate stream begins, behind the two bytes of the header. */
  readonly dataAt: number;
  /** Behind the Adler-32. */
  readonly end: number;
  readonly content: Buffer;
}

export function* scanForDeflate(
  bytes: Buffer,
  budget: ExpansionBudget,
): Generator<ScannedStream, void> {
  let probes = 0;
  for (let at = bytes.indexOf(WINDOW_32K); at >= 0;) {
    let next = at + 1;
    if (at + MIN_PACKED <= bytes.length && isZlibHeader(bytes, at) && mayBeDeflate(bytes, at + 2)) {
      if (++probes > MAX_PROBES) return;
      const found = openAt(bytes, at, budget);
      if (found !== null) {
        yield { dataAt: at + 2, end: found.end, content: found.content };
        next = found.end;
      }
    }
    at = bytes.indexOf(WINDOW_32K, next);
  }
}

/** The four headers that zlib writes for its largest window, without a dictionary. */
function isZlibHeader(bytes: Buffer, at: number): boolean {
  const second = bytes[at + 1];
  return second === 0x01 || second === 0x5e || second === 0x9c || second === 0xda;
}

function openAt(
  bytes: Buffer,
  at: number,
  budget: ExpansionBudget,
): { content: Buffer; end: number } | null {
  if (inflateRaw(bytes, at + 2, PROBE_BYTES) === 'damaged') return null;
  const opened = budget.open(bytes.length - at, (limit) => inflateZlib(bytes, at, limit));
  if (opened === null) return null;
  return opened.content.length >= MIN_CONTENT && opened.end - at >= MIN_PACKED ? opened : null;
}

/** What the two bytes of a zlib header (RFC 1950 section 2.2) tell of the encoder. */
export function zlibHints(
  bytes: Buffer,
  at: number,
): { hintedLevel: number | null; hintedWindowBits: number } {
  const first = bytes[at] ?? 0;
  const second = bytes[at + 1] ?? 0;
  return {
    hintedLevel: [1, 5, 6, 9][second >> 6] ?? null,
    hintedWindowBits: Math.min(15, Math.max(9, (first >> 4) + 8)),
  };
}
