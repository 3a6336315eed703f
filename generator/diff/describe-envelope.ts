import { open } from 'node:fs/promises';

import type { ExpandedDeb } from '../../shared/deb/expand-deb.js';
import type { TargetPart } from '../../shared/delta/delta.js';
import { predictEnvelope, readTimestamp } from '../../shared/delta/envelope.js';
import { readExactly } from '../../shared/io/files.js';

/** The bytes around the members of a .deb, and how a delta tells them. */
export interface DescribedEnvelope {
  readonly bytes: Buffer;
  readonly timestamp: number;
  /** Empty when the time stamp is enough to predict the bytes. */
  readonly stream: Buffer;
}

export async function describeEnvelope(
  newDeb: ExpandedDeb,
  parts: readonly TargetPart[],
): Promise<DescribedEnvelope> {
  const deb = await open(newDeb.path, 'r');
  try {
    const pieces: Buffer[] = [];
    let at = 0;
    for (const part of parts) {
      if (part.kind === 'literal') pieces.push(await readExactly(deb, at, part.length));
      at += part.kind === 'literal' ? part.length : part.packedLength;
    }
    const bytes = Buffer.concat(pieces);
    const timestamp = readTimestamp(bytes);
    const isPredicted = predictEnvelope(parts, timestamp).equals(bytes);
    return { bytes, timestamp, stream: isPredicted ? Buffer.alloc(0) : bytes };
  } finally {
    await deb.close();
  }
}
