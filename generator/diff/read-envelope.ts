import { open } from 'node:fs/promises';

import type { ExpandedDeb } from '../../shared/deb/expand-deb.js';
import type { TargetPart } from '../../shared/delta/delta.js';
import { predictEnvelope, readTimestamp } from '../../shared/delta/envelope.js';
import { readExactly } from '../../shared/io/files.js';

/** The bytes around the members, empty when the time stamp is enough to predict them. */
export async function readEnvelope(
  newDeb: ExpandedDeb,
  parts: readonly TargetPart[],
): Promise<{ timestamp: number; envelope: Buffer }> {
  const deb = await open(newDeb.path, 'r');
  try {
    const pieces: Buffer[] = [];
    let at = 0;
    for (const part of parts) {
      if (part.kind === 'literal') pieces.push(await readExactly(deb, at, part.length));
      at += part.kind === 'literal' ? part.length : part.packedLength;
    }
    const envelope = Buffer.concat(pieces);
    const timestamp = readTimestamp(envelope);
    const isPredicted = predictEnvelope(parts, timestamp).equals(envelope);
    return { timestamp, envelope: isPredicted ? Buffer.alloc(0) : envelope };
  } finally {
    await deb.close();
  }
}
