import type { Wire } from 'webtorrent';

/** As many blocks as may have been on their way when what was asked for was cancelled, or choked. */
const MAX_IN_A_ROW = 600;

/**
 * bittorrent-protocol tells everybody of blocks that nobody asked for. A liar could put them into the
 * mouths of others, so they are dropped, and who sends nothing else is left.
 */
export function dropUnaskedBlocks(wire: Wire): void {
  const take = wire._onPiece.bind(wire);
  let inARow = 0;
  wire._onPiece = (index, offset, block) => {
    const isAsked = wire.requests.some(
      (request) =>
        request.piece === index && request.offset === offset && request.length === block.length,
    );
    inARow = isAsked ? 0 : inARow + 1;
    if (isAsked) take(index, offset, block);
    else if (inARow > MAX_IN_A_ROW) wire.destroy();
  };
}
