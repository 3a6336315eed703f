import { stat } from 'node:fs/promises';

import type { Torrent, Wire } from 'webtorrent';

import { missingRanges, type ByteRange, type ByteRanges } from '../io/byte-ranges.js';
import { mergeRuns, piecesOf, segmentsOf, wholePieces } from '../torrent/layout.js';
import { parseTorrent, type TorrentInfo } from '../torrent/metainfo.js';
import { normaliseAddress } from './addresses.js';
import { checkWhenRead } from './check-when-read.js';
import { createChunkStore, type MappedStore } from './chunk-store.js';
import { gatherVerified } from './gather-verified.js';
import type { GuardedClient, TorrentGuards } from './guarded-client.js';
import { offerHeldPieces } from './held-pieces.js';
import { watchForLiars } from './liars.js';
import type { DownloadRequest, OfferedContent, SeedRequest, TorrentEvent } from './messages.js';
import { paceUpdates } from './pace-updates.js';
import { watchSupply } from './supply.js';

const TRAFFIC_INTERVAL = 1000;

export interface SessionPorts {
  readonly report: (event: TorrentEvent) => void;
  /** Bytes of content were sent to a peer. */
  readonly onSent: (bytes: number, local: boolean) => void;
}

/** One torrent in the child. */
export interface Session {
  /** Replaces what is wanted of one file. */
  readonly want: (file: number, missing: ByteRanges) => void;
  /** Bytes that others have written into one file. */
  readonly held: (file: number, range: ByteRange) => void;
  /** Stops writing into a file, then reports `released`. */
  readonly release: (file: number) => void;
  readonly stop: () => void;
}

/** Joins a torrent for some of its files; verified bytes are written in place and reported. */
export function startDownload(
  client: GuardedClient,
  request: DownloadRequest,
  ports: SessionPorts,
): Session {
  const { report } = ports;
  const info = parseTorrent(request.torrent);
  const paths = new Map(request.files.map(({ index, path }) => [index, path]));
  const store = createChunkStore(info, { paths, writable: true, keepEdges: client.upload });
  const torrent = client.webTorrent.add(request.torrent, {
    preloadedStore: store,
    // The cache would hold verified pieces back from the disk.
    storeCacheSlots: 0,
    deselect: true,
    // "rarest" is six times slower: it looks through all pieces for each block.
    strategy: 'sequential',
    // "Nothing is here yet": skips reading files that we know to be holes.
    bitfield: new Uint8Array(Math.ceil(info.pieceCount / 8)),
    ...(client.upload ? {} : { uploads: false as const }),
  });
  const session = open(client, info, { torrent, store }, { ...request, seeds: false }, ports);
  watchForLiars(torrent, info, {
    ban: (address) => {
      client.filter.ban(address);
      dropAddress(client, address);
      report({ kind: 'banned', address });
    },
    giveUp: () => {
      session.fail('too many pieces failed verification');
    },
  });

  const wanted = new Map(request.files.map(({ index, missing }) => [index, missing]));
  const supplyWatch = watchSupply(
    torrent,
    info,
    client.webTorrent.peerId,
    () => wanted.keys(),
    (supply) => {
      report({ kind: 'supply', supply });
    },
  );
  const heldPieces = client.upload ? offerHeldPieces(torrent, info, store) : null;
  // Of an earlier run.
  for (const { index, missing } of request.files) {
    const size = info.files[index]?.length ?? 0;
    for (const range of missingRanges(missing, size)) heldPieces?.add(index, range);
  }
  const pivot = Math.floor(
    ((info.files[request.start.file]?.offset ?? 0) + request.start.offset) / info.pieceLength,
  );
  let wrapped = false;
  let scheduled = false;
  const select = (): void => {
    scheduled = false;
    if (!torrent.ready || torrent.destroyed) return;
    const pieces = [...wanted].flatMap(([file, missing]) => piecesOf(info, file, missing));
    // Partial deselection in WebTorrent 3.0.21 skips pieces; all of it and then anew is exact.
    torrent.deselect(0, info.pieceCount - 1);
    const runs = mergeRuns(pieces);
    const from = wrapped ? 0 : pivot;
    for (const { first, last } of runs) {
      if (last >= from) torrent.select(Math.max(first, from), last);
    }
    // What lies before the start comes second. Neighbours would be merged, so one piece between waits.
    for (const { first, last } of runs) {
      if (first < from - 1) torrent.select(first, Math.min(last, from - 2));
    }
  };
  const selectSoon = (): void => {
    // Selecting costs time in WebTorrent, and wishes change in bursts.
    if (!scheduled) setImmediate(select);
    scheduled = true;
  };
  torrent.once('ready', select);
  // WebTorrent misses an unchoke that comes in one packet with the handshake and then waits.
  torrent.on('wire', selectSoon);
  torrent.on('idle', () => {
    if (wrapped) return;
    wrapped = true;
    selectSoon();
  });
  const addVerified = gatherVerified(torrent, report);
  torrent.on('verified', (index: number) => {
    for (const { file, fileOffset, length } of segmentsOf(info, index)) {
      if (paths.has(file)) addVerified(file, { start: fileOffset, end: fileOffset + length });
    }
  });
  return {
    want: (file, missing) => {
      wanted.set(file, missing);
      selectSoon();
    },
    held: (file, range) => heldPieces?.add(file, range),
    release: (file) => {
      wanted.delete(file);
      paths.delete(file);
      selectSoon();
      // Whoever hears of the release knows then where the bytes came from.
      session.reportTraffic();
      void store.release(file).finally(() => {
        report({ kind: 'released', file });
      });
    },
    stop: () => {
      supplyWatch.stop();
      session.stop();
    },
  };
}

/**
 * Verifies complete files on disk and uploads them to whoever asks; of a torrent with files that are
 * not here, the pieces that lie in the others.
 */
export function startSeed(
  client: GuardedClient,
  request: SeedRequest,
  ports: SessionPorts,
): Session {
  const info = parseTorrent(request.torrent);
  const paths = new Map(
    request.paths.flatMap((path, index) => (path === null ? [] : [[index, path] as const])),
  );
  const store = createChunkStore(info, { paths, writable: false, keepEdges: false });
  const torrent = client.webTorrent.add(request.torrent, {
    preloadedStore: store,
    storeCacheSlots: 0,
    // Nothing is fetched for a seed: what is missing is not wanted.
    deselect: true,
  });
  const session = open(
    client,
    info,
    { torrent, store },
    { ...request, peers: [], seeds: true },
    ports,
  );
  torrent.once('ready', () => {
    const held = wholePieces(info, new Set(paths.keys()));
    if (held.length === 0) session.fail('no whole piece lies in the files that are here');
    else if (held.some((index) => torrent.pieces[index] !== null)) {
      session.fail('the files differ from the torrent');
    } else ports.report({ kind: 'seeding' });
  });
  return uploadOnly(session);
}

/**
 * Uploads the complete files of a torrent that others announce; each piece is checked when it is
 * first asked for.
 */
export function startOffered(
  client: GuardedClient,
  { torrent: file, paths }: OfferedContent,
  ports: SessionPorts,
): Session {
  const info = parseTorrent(file);
  const files = createChunkStore(info, {
    paths: new Map(paths.entries()),
    writable: false,
    keepEdges: false,
  });
  const store = checkWhenRead(files, {
    pieceCount: info.pieceCount,
    hashOf: (index) => torrent._hashes[index],
    onDiffer: () => {
      session.fail('the files differ from the torrent');
    },
  });
  const torrent = client.webTorrent.add(file, {
    preloadedStore: store,
    storeCacheSlots: 0,
    deselect: true,
    skipVerify: true,
  });
  const request = { trackers: [], peers: [], seeds: true };
  const session = open(client, info, { torrent, store }, request, ports);
  torrent.once('ready', () => {
    ports.report({ kind: 'seeding' });
  });
  return uploadOnly(session);
}

function uploadOnly({ stop }: OpenTorrent): Session {
  const nothing = (): void => undefined;
  return { want: nothing, held: nothing, release: nothing, stop };
}

/**
 * A missing file gives no error in WebTorrent, peers would wait at 0 %; so files are looked at first.
 * Resolves with a complaint or null.
 */
export async function checkSeedFiles(
  info: TorrentInfo,
  paths: readonly (string | null)[],
): Promise<string | null> {
  for (const [index, file] of info.files.entries()) {
    const path = paths[index];
    if (path === null || path === undefined) continue;
    const size = await stat(path).then(
      (found) => (found.isFile() ? found.size : -1),
      () => -1,
    );
    if (size !== file.length) return `${path} is missing or has another size`;
  }
  return null;
}

interface OpenTorrent {
  readonly stop: () => void;
  readonly fail: (message: string) => void;
  readonly reportTraffic: () => void;
}

function open(
  client: GuardedClient,
  info: TorrentInfo,
  { torrent, store }: { readonly torrent: Torrent; readonly store: MappedStore },
  request: Pick<DownloadRequest, 'trackers' | 'peers'> &
    Pick<SeedRequest, 'localOnly'> &
    Pick<TorrentGuards, 'seeds'>,
  { report, onSent }: SessionPorts,
): OpenTorrent {
  const received: Record<string, number> = {};
  let reported = '{}';
  let leaveTrackers: (() => void) | undefined;
  let stopped = false;

  const reportTraffic = (): void => {
    const now = JSON.stringify(received);
    if (now !== reported) report({ kind: 'traffic', received });
    reported = now;
  };
  const timer = setInterval(reportTraffic, TRAFFIC_INTERVAL);

  const stop = (): void => {
    if (stopped) return;
    stopped = true;
    clearInterval(timer);
    reportTraffic();
    leaveTrackers?.();
    if (!info.private) client.lan?.remove(info.infoHash);
    // Never twice, and never with a callback: the second call would not come back.
    if (!torrent.destroyed) torrent.destroy();
  };
  const fail = (message: string): void => {
    if (stopped) return;
    stop();
    // Who hears of it may use the files at once.
    void store.releaseAll().finally(() => {
      report({ kind: 'failed', message });
    });
  };

  paceUpdates(torrent);
  client.guard(torrent, {
    onError: (error) => {
      fail(error.message);
    },
    onSent,
    seeds: request.seeds,
    localOnly: request.localOnly ?? false,
    private: info.private,
  });
  torrent.on('wire', (wire: Wire) => {
    const address = normaliseAddress(wire.remoteAddress ?? 'unknown');
    wire.on('download', (bytes: number) => {
      received[address] = (received[address] ?? 0) + bytes;
    });
  });
  torrent.once('infoHash', () => {
    const neighbours = info.private ? [] : (client.lan?.add(info.infoHash) ?? []);
    for (const peer of [...neighbours, ...request.peers]) client.connect(torrent, peer);
  });
  torrent.once('ready', () => {
    leaveTrackers = client.announcer.start({
      infoHash: info.infoHash,
      peerId: client.webTorrent.peerId,
      port: client.webTorrent.torrentPort,
      trackers: request.trackers,
      progress: () => ({
        uploaded: torrent.uploaded,
        downloaded: torrent.downloaded,
        left: Math.max(0, info.totalLength - torrent.downloaded),
      }),
      onPeer: (peer, tracker) => {
        client.connectTold(torrent, peer, tracker);
      },
    });
    if (stopped) leaveTrackers();
  });
  return { stop, fail, reportTraffic };
}

function dropAddress(client: GuardedClient, address: string): void {
  for (const torrent of client.webTorrent.torrents) {
    for (const wire of [...torrent.wires]) {
      if (normaliseAddress(wire.remoteAddress ?? '') === address) wire.destroy();
    }
  }
}
