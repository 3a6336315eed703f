import { createHash } from 'node:crypto';

import type { Torrent, Wire } from 'webtorrent';

import type { ByteRange, ByteRanges } from '../io/byte-ranges.js';
import { segmentsOf } from '../torrent/layout.js';
import type { TorrentInfo } from '../torrent/metainfo.js';
import { whatAnyHas } from './peer-pieces.js';

/** What the connected peers can give of one file. */
export interface FileSupply {
  readonly file: number;
  /** Ranges that at least one of them has. */
  readonly offered: ByteRanges;
  /**
   * Ranges that none of them has, and that this client is to fetch from elsewhere, not another one
   * of those that lack them as well: all work out the same division for themselves.
   */
  readonly ours: ByteRanges;
}

export interface Supply {
  /** Peers that are connected. */
  readonly peers: number;
  readonly files: readonly FileSupply[];
}

/** Milliseconds between two looks at least; looking takes a twentieth of the time at most. */
const INTERVAL = 250;
const PAUSE_FACTOR = 20;
/** Clients divide what is missing in units of so many bytes: a request costs a round trip. */
const UNIT_BYTES = 256 * 1024;

/** Reports what peers can give of the files that `files` names, whenever that has changed. */
export function watchSupply(
  torrent: Torrent,
  info: TorrentInfo,
  ownId: string,
  files: () => Iterable<number>,
  report: (supply: Supply) => void,
): { readonly stop: () => void } {
  let last = '';
  let timer: NodeJS.Timeout | undefined;
  const look = (): void => {
    clearTimeout(timer);
    if (torrent.destroyed) return;
    const startedAt = performance.now();
    if (torrent.ready) {
      const supply = supplyOf(torrent, info, ownId, new Set(files()));
      const now = JSON.stringify(supply);
      if (now !== last) report(supply);
      last = now;
    }
    const pause = (performance.now() - startedAt) * PAUSE_FACTOR;
    timer = setTimeout(look, Math.max(INTERVAL, pause));
  };
  look();
  // The first peer changes much: HTTP is fetching what it may have.
  torrent.on('wire', (wire: Wire) => {
    for (const event of ['bitfield', 'have-all']) {
      wire.once(event, () => {
        if (torrent.wires.length === 1) look();
      });
    }
  });
  return {
    stop: () => {
      clearTimeout(timer);
    },
  };
}

function supplyOf(
  { wires, pieces }: Torrent,
  info: TorrentInfo,
  ownId: string,
  wanted: ReadonlySet<number>,
): Supply {
  const files = new Map<number, { offered: ByteRange[]; ours: ByteRange[] }>();
  for (const file of wanted) files.set(file, { offered: [], ours: [] });
  // What nobody has, each of them lacks.
  const others = wires.map(({ peerId }) => seedOf(peerId));
  const own = seedOf(ownId);
  const perUnit = Math.max(1, UNIT_BYTES / info.pieceLength);
  const has = whatAnyHas(wires, pieces.length);
  let [unit, unitIsOurs] = [-1, false];
  for (const [index, piece] of pieces.entries()) {
    if (piece === null) continue;
    if (Math.floor(index / perUnit) !== unit) {
      unit = Math.floor(index / perUnit);
      unitIsOurs = isOurs(own, others, unit);
    }
    const kind = has(index) ? 'offered' : unitIsOurs ? 'ours' : null;
    if (kind === null) continue;
    for (const { file, fileOffset, length } of segmentsOf(info, index)) {
      const ranges = files.get(file)?.[kind];
      if (ranges !== undefined) append(ranges, { start: fileOffset, end: fileOffset + length });
    }
  }
  return { peers: wires.length, files: [...files].map(([file, supply]) => ({ file, ...supply })) };
}

/** Pieces come in order, so a range may touch the last one only. */
function append(ranges: ByteRange[], { start, end }: ByteRange): void {
  const last = ranges.at(-1);
  if (last?.end === start) ranges[ranges.length - 1] = { start: last.start, end };
  else ranges.push({ start, end });
}

/** Rendezvous hashing: each unit belongs to the client with the highest hash of both. */
function isOurs(own: number, others: readonly number[], unit: number): boolean {
  const weight = mix(own, unit);
  return others.every((other) => mix(other, unit) <= weight);
}

function seedOf(peerId: string): number {
  return createHash('sha1').update(peerId).digest().readUInt32BE(0);
}

/** The finaliser of MurmurHash3: every bit of both counts. */
function mix(seed: number, unit: number): number {
  let hash = seed ^ Math.imul(unit + 1, 0x9e3779b1);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
