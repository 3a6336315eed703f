import type { DeltaContent } from './container.js';
import type { TargetPart } from './delta.js';

/*
 * The bytes of a .deb around its members: ar's magic and headers, the member `debian-binary`, a
 * byte of padding. dpkg-deb writes them all from one time stamp and the lengths of the members, so
 * that they need not be sent.
 */

const SUFFIXES = { stored: '', xz: '.xz', gzip: '.gz', zstd: '.zst' } as const;

/** The literal parts of a delta's target, one after the other: sent or predicted. */
export function readEnvelope({ header, streams }: DeltaContent): Buffer {
  return streams.get('envelope') ?? predictEnvelope(header.parts, header.timestamp);
}

/** What dpkg-deb would write for these parts: the literal parts, one after the other. */
export function predictEnvelope(parts: readonly TargetPart[], timestamp: number): Buffer {
  let text = '!<arch>\n';
  text += arHeader('debian-binary', timestamp, 4) + '2.0\n';
  for (const part of parts) {
    if (part.kind === 'literal') continue;
    const name = `${part.name}.tar${part.recipe ? SUFFIXES[part.recipe.kind] : ''}`;
    text += arHeader(name, timestamp, part.packedLength);
    if (part.packedLength % 2 === 1) text += '\n';
  }
  return Buffer.from(text, 'latin1');
}

/** deb(5), ar(5): 60 bytes, fields padded with spaces; dpkg-deb writes no owner and mode 100644. */
function arHeader(name: string, timestamp: number, size: number): string {
  const fields = [
    name.padEnd(16),
    String(timestamp).padEnd(12),
    '0'.padEnd(6),
    '0'.padEnd(6),
    '100644'.padEnd(8),
    String(size).padEnd(10),
  ];
  return `${fields.join('')}\`\n`;
}

/** The time stamp in the first ar header, which `predictEnvelope` may need; 0 where there is none. */
export function readTimestamp(envelope: Buffer): number {
  const field = envelope.toString('latin1', 24, 36).trimEnd();
  return /^[0-9]{1,12}$/.test(field) ? Number(field) : 0;
}
