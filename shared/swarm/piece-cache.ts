/** Pieces that peers are likely to ask for next: those that have just come. */
export interface PieceCache {
  readonly get: (index: number) => Buffer | undefined;
  readonly add: (index: number, piece: Buffer) => void;
  readonly clear: () => void;
}

/**
 * Caches that share `maxBytes`. In a crowd each new piece is asked for by several peers, block by
 * block, and a read costs more than sending what it gives.
 */
export function sharePieceCache(maxBytes: number): () => PieceCache {
  /** In the order of their last use. */
  const entries = new Map<string, Buffer>();
  let bytes = 0;
  let owners = 0;
  const remove = (key: string): void => {
    bytes -= entries.get(key)?.length ?? 0;
    entries.delete(key);
  };
  return () => {
    const owner = ++owners;
    const keyOf = (index: number): string => `${owner}/${index}`;
    return {
      get: (index) => {
        const key = keyOf(index);
        const piece = entries.get(key);
        if (piece === undefined) return undefined;
        entries.delete(key);
        entries.set(key, piece);
        return piece;
      },
      add: (index, piece) => {
        remove(keyOf(index));
        entries.set(keyOf(index), piece);
        bytes += piece.length;
        for (const key of entries.keys()) {
          if (bytes <= maxBytes) return;
          remove(key);
        }
      },
      clear: () => {
        for (const key of [...entries.keys()]) if (key.startsWith(`${owner}/`)) remove(key);
      },
    };
  };
}
