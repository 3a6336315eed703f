import type { Wire } from 'webtorrent';

export function hasEverything(wire: Wire, pieces: number): boolean {
  for (let index = 0; index < pieces; index++) if (!wire.peerPieces.get(index)) return false;
  return pieces > 0;
}

/**
 * The peer began by saying that it has all pieces (BEP 6). WebTorrent's `isSeeder` is also true of
 * who has said nothing yet.
 */
export function saidHaveAll({ peerPieces }: Wire): boolean {
  return peerPieces.get(0x7fffffff);
}

/** Whether one of the peers has a piece, for all of `count` in one look. */
export function whatAnyHas(wires: readonly Wire[], count: number): (index: number) => boolean {
  if (wires.some(saidHaveAll)) return () => true;
  const any = new Uint8Array(Math.ceil(count / 8));
  for (const { peerPieces } of wires) {
    for (const [at, byte] of peerPieces.buffer.subarray(0, any.length).entries()) {
      any[at] = (any[at] ?? 0) | byte;
    }
  }
  return (index) => ((any[index >> 3] ?? 0) & (0x80 >> (index & 7))) !== 0;
}
