import { createHash } from 'node:crypto';

import type { Torrent, Wire } from 'webtorrent';

import { pieceLengthAt } from '../torrent/layout.js';
import type { TorrentInfo } from '../torrent/metainfo.js';
import { normaliseAddress } from './addresses.js';

const BLOCK_LENGTH = 16 * 1024;
/** Failed pieces without a culprit after which the torrent is left to HTTP. */
const MAX_FAILURES = 40;
/** How long the one that a failed piece was given to may send nothing of it. */
const OWNER_PATIENCE = 10_000;
/** Blocks remembered for one torrent: a bound on memory, 16 pieces of 16 MiB. */
const MAX_BLOCKS = 16_384;

/** Who sent what for a block: address → hash. The first one is what WebTorrent used. */
type Senders = Map<string, string>;

export interface LiarActions {
  readonly ban: (address: string) => void;
  readonly giveUp: () => void;
}

/**
 * WebTorrent asks for a failed piece again for ever, from the same peers. This finds who lied: each
 * 16 KiB block is remembered by sender and hash once a piece has failed. A failed piece from one
 * sender convicts it; in a mixed piece, senders whose block differs from the block of the finally
 * verified piece are convicted. Striking all contributors would ban the honest ones. A piece that has
 * failed is asked of one sender alone: else a liar with a share in each of them is never found.
 */
export function watchForLiars(torrent: Torrent, info: TorrentInfo, actions: LiarActions): void {
  let failures = 0;
  let remembered = 0;
  const convicted = new Set<string>();
  const current = new Map<number, Map<number, Senders>>();
  const earlier = new Map<number, { offset: number; address: string; hash: string }[]>();
  const owners = giveFailedPiecesToOne(torrent);

  const remember = (address: string, index: number, offset: number, block: Uint8Array): void => {
    const wanted = index < info.pieceCount && torrent.pieces[index] !== null;
    if (failures === 0 || !wanted || remembered >= MAX_BLOCKS) return;
    const blocks = current.get(index) ?? new Map<number, Senders>();
    const senders = blocks.get(offset) ?? new Map<string, string>();
    current.set(index, blocks.set(offset, senders));
    if (senders.has(address)) return;
    senders.set(address, createHash('sha1').update(block).digest('hex'));
    remembered++;
  };

  const convict = (addresses: Iterable<string>): void => {
    for (const address of addresses) {
      // What it sent before its connection ended may convict it again.
      if (convicted.has(address)) continue;
      convicted.add(address);
      failures = 1;
      actions.ban(address);
    }
  };

  const onFailed = (index: number): void => {
    failures++;
    const blocks = current.get(index) ?? new Map<number, Senders>();
    current.delete(index);
    const sent = [...blocks].flatMap(([offset, senders]) =>
      [...senders].map(([address, hash]) => ({ offset, address, hash })),
    );
    const complete = blocks.size === Math.ceil(pieceLengthAt(info, index) / BLOCK_LENGTH);
    const addresses = new Set(sent.map(({ address }) => address));
    if (complete && addresses.size === 1) convict(addresses);
    else earlier.set(index, [...(earlier.get(index) ?? []), ...sent]);
    owners.open(index);
    if (failures >= MAX_FAILURES) actions.giveUp();
  };

  const onVerified = (index: number): void => {
    const blocks = current.get(index);
    const suspects = earlier.get(index) ?? [];
    owners.close(index);
    current.delete(index);
    earlier.delete(index);
    if (blocks === undefined) return;
    const good = new Map([...blocks].map(([offset, senders]) => [offset, firstOf(senders)]));
    convict(
      suspects
        .filter(({ offset, hash }) => good.has(offset) && good.get(offset) !== hash)
        .map(({ address }) => address),
    );
    remembered = 0;
    for (const senders of [...current.values()].flatMap((piece) => [...piece.values()])) {
      remembered += senders.size;
    }
    for (const blocks of earlier.values()) remembered += blocks.length;
  };

  torrent.on('wire', (wire: Wire) => {
    const address = normaliseAddress(wire.remoteAddress ?? '');
    wire.on('piece', (index: number, offset: number, block: Uint8Array) => {
      remember(address, index, offset, block);
      owners.heard(index, address);
    });
  });
  torrent.on('verified', (index: number) => {
    if (failures > 0) onVerified(index);
  });
  // The only sign that WebTorrent gives of a failed piece.
  torrent.on('warning', (warning: Error) => {
    const match = /^Piece (\d+) failed verification$/.exec(warning.message);
    if (match !== null) onFailed(Number(match[1]));
  });
}

function firstOf(senders: Senders): string | undefined {
  return senders.values().next().value;
}

interface Owners {
  /** From now on one sender is asked for all of this piece. */
  readonly open: (index: number) => void;
  readonly heard: (index: number, address: string) => void;
  readonly close: (index: number) => void;
}

function giveFailedPiecesToOne(torrent: Torrent): Owners {
  const owners = new Map<number, { address: string; heardAt: number } | null>();
  const request = torrent._request.bind(torrent);
  torrent._request = (wire, index, hotswap) => {
    const owner = owners.get(index);
    if (owner === undefined) return request(wire, index, hotswap);
    const address = normaliseAddress(wire.remoteAddress ?? '');
    const isOwner = owner?.address === address;
    const waits = owner !== null && performance.now() - owner.heardAt < OWNER_PATIENCE;
    if (waits && !isOwner && isConnected(torrent, owner.address)) return false;
    const asked = request(wire, index, hotswap);
    if (asked && !isOwner) owners.set(index, { address, heardAt: performance.now() });
    return asked;
  };
  return {
    open: (index) => owners.set(index, null),
    heard(index, address) {
      const owner = owners.get(index);
      if (owner?.address === address) owner.heardAt = performance.now();
    },
    close: (index) => owners.delete(index),
  };
}

function isConnected(torrent: Torrent, address: string): boolean {
  return torrent.wires.some((wire) => normaliseAddress(wire.remoteAddress ?? '') === address);
}
