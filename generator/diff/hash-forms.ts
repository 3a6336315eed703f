import { createReadStream } from 'node:fs';

import type { DebPiece } from '../../shared/deb/deb-forms.js';
import { findTar, type ExpandedDeb } from '../../shared/deb/expand-deb.js';
import type { FileIdentity } from '../../shared/delta/delta.js';
import { hashStream } from '../../shared/io/hash.js';

type Pieces = readonly DebPiece<{ readonly name: 'control' | 'data' }>[];

/** Hashes an exact form whose compressed members are those of `deb`. */
export function hashExact(deb: ExpandedDeb, pieces: Pieces): Promise<FileIdentity> {
  return hashStream(
    joinPieces(pieces, (name) => {
      const { packedOffset, packedLength } = findTar(deb.parts, name);
      return readRange(deb.path, packedOffset, packedLength);
    }),
  );
}

/** Hashes an expanded form whose tars are those of `deb`, which are in its image already. */
export function hashExpanded(deb: ExpandedDeb, pieces: Pieces): Promise<FileIdentity> {
  return hashStream(
    joinPieces(pieces, (name) => {
      const { imageOffset, length } = findTar(deb.parts, name);
      return readRange(deb.imagePath, imageOffset, length);
    }),
  );
}

async function* joinPieces(
  pieces: Pieces,
  read: (name: 'control' | 'data') => AsyncIterable<Buffer>,
): AsyncGenerator<Buffer> {
  for (const piece of pieces) {
    if (piece.kind === 'literal') yield piece.bytes;
    else yield* read(piece.member.name);
  }
}

async function* readRange(path: string, start: number, length: number): AsyncGenerator<Buffer> {
  if (length === 0) return;
  const end = start + length - 1;
  for await (const chunk of createReadStream(path, { start, end, highWaterMark: 1 << 20 })) {
    yield chunk as Buffer;
  }
}
