import { DebshoalError } from '../../shared/errors.js';
import { groupBy } from '../../shared/group-by.js';
import { removeRange, type ByteRanges } from '../../shared/io/byte-ranges.js';
import { openLocalNetwork } from '../../shared/swarm/local-network.js';
import type { Swarm, SwarmDownload, TorrentEvent } from '../../shared/swarm/swarm.js';
import { parseTorrent, type TorrentInfo } from '../../shared/torrent/metainfo.js';
import type { Balance } from './balance.js';
import { alignDown } from './choose-range.js';
import { loseSource, update, type Transfer } from './transfer.js';

const STALL_CHECK = 500;
const LOCAL = openLocalNetwork();

export interface SwarmSourceOptions {
  readonly swarm: Swarm;
  readonly balance: Balance;
  readonly peers: readonly string[];
  /** Torrents joined at a time; the others follow as these end. */
  readonly maxTorrents: number;
  /** Without verified bytes for so long a torrent is given up for objects that HTTP cannot give. */
  readonly stallMilliseconds: number;
}

interface Member {
  readonly transfer: Transfer;
  readonly file: number;
}

interface Group {
  readonly torrent: Uint8Array;
  readonly trackers: readonly string[];
  readonly localOnly: boolean;
  readonly info: TorrentInfo;
  readonly members: Member[];
}

/** Joins the torrents of the transfers in order. Returns a function that leaves them all. */
export function runSwarm(transfers: readonly Transfer[], options: SwarmSourceOptions): () => void {
  const waiting: Group[] = [];
  const active = new Set<() => void>();
  /** All objects of these are there; what others still want of them is uploaded until the end. */
  const lingering = new Set<() => void>();
  let stopped = false;
  const joinNext = (): void => {
    while (!stopped && active.size < options.maxTorrents) {
      const group = waiting.shift();
      if (group === undefined) return;
      const [oldest] = lingering;
      if (active.size + lingering.size >= options.maxTorrents) oldest?.();
      const members = group.members.filter(({ transfer }) => !transfer.stop.signal.aborted);
      if (members.length === 0) continue;
      const leave = join({ ...group, members }, options, (isOver) => {
        active.delete(leave);
        if (isOver) lingering.delete(leave);
        else lingering.add(leave);
        queueMicrotask(joinNext);
      });
      active.add(leave);
    }
  };
  const arrived = (some: readonly Transfer[], torrent: Uint8Array | null): void => {
    waiting.push(...groupByTorrent(some, torrent));
    joinNext();
  };
  for (const [torrent, some] of groupBy(transfers, ({ object }) => object.torrent?.torrent)) {
    if (torrent === undefined) continue;
    if (!(torrent instanceof Promise)) arrived(some, torrent);
    else {
      void torrent.then(
        (bytes) => {
          arrived(some, bytes);
        },
        () => {
          arrived(some, null);
        },
      );
    }
  }
  return () => {
    stopped = true;
    for (const leave of [...active, ...lingering]) leave();
  };
}

/** One group of those that the torrent really holds, or none. */
function groupByTorrent(transfers: readonly Transfer[], torrent: Uint8Array | null): Group[] {
  const info = parseOrLose(transfers, torrent);
  if (torrent === null || info === null) return [];
  const members = transfers.flatMap((transfer) => {
    const { torrent: wanted, size } = transfer.object;
    const file = info.files.findIndex(({ path }) => path === (wanted?.filePath ?? info.name));
    if (info.files[file]?.length === size) return [{ transfer, file }];
    const error = new DebshoalError('swarm-failed', 'the torrent does not hold the object');
    loseSource(transfer, 'peers', error);
    return [];
  });
  const trackers = transfers[0]?.object.torrent?.trackers ?? info.announce;
  const localOnly = transfers.some(({ object }) => object.torrent?.localOnly === true);
  return [{ torrent, info, trackers, localOnly, members }];
}

function parseOrLose(
  transfers: readonly Transfer[],
  torrent: Uint8Array | null,
): TorrentInfo | null {
  try {
    if (torrent !== null) return parseTorrent(torrent);
    throw new DebshoalError('swarm-failed', 'there is no torrent');
  } catch (error) {
    for (const transfer of transfers) loseSource(transfer, 'peers', error);
    return null;
  }
}

/** `onIdle` is called when all members are there, and with true when the torrent is left. */
function join(
  group: Group,
  options: SwarmSourceOptions,
  onIdle: (isOver: boolean) => void,
): () => void {
  const members = new Map(group.members.map((member) => [member.file, member.transfer]));
  let lastProgress = performance.now();
  let download: SwarmDownload | null = null;

  const end = (): void => {
    clearInterval(timer);
    download?.stop();
    download = null;
    onIdle(true);
  };
  const fail = (error: unknown): void => {
    for (const transfer of members.values()) {
      transfer.leaveSwarm = null;
      loseSource(transfer, 'peers', error);
    }
    members.clear();
    end();
  };
  const onEvent = (event: TorrentEvent): void => {
    if (event.kind === 'verified') {
      const transfer = members.get(event.file);
      if (transfer === undefined) return;
      lastProgress = performance.now();
      const added = transfer.part.mark(event);
      // Not what HTTP has brought, which the swarm only checked.
      if (added > 0) {
        transfer.peerBytes += added;
        options.balance.addPeers(added);
        transfer.peersCame();
      }
      update(transfer);
      // HTTP's chunk may be all that is left now: then it becomes a race.
      if (transfer.claimed !== null) transfer.wantsChanged();
    } else if (event.kind === 'supply') {
      const { peers, files } = event.supply;
      if (peers > 0) options.balance.peersCame();
      for (const { file, offered, ours } of files) {
        const transfer = members.get(file);
        if (transfer === undefined) continue;
        transfer.supply = { peers, offered, ours };
        if (peers > 0 && !options.balance.silent()) transfer.peersCame();
        transfer.changed();
      }
    } else if (event.kind === 'traffic') {
      const localPart = localPartOf(event.received);
      for (const transfer of members.values()) transfer.localPart = localPart;
    } else if (event.kind === 'failed') {
      fail(new DebshoalError('swarm-failed', event.message));
    }
  };
  const timer = setInterval(() => {
    if (performance.now() - lastProgress < options.stallMilliseconds) return;
    const stuck = [...members].filter(([, transfer]) => transfer.http === 'gone');
    for (const [, transfer] of stuck) {
      loseSource(transfer, 'peers', new DebshoalError('swarm-failed', 'no peer delivers'));
    }
  }, STALL_CHECK);

  try {
    const joined = options.swarm.download(
      {
        torrent: group.torrent,
        trackers: group.trackers,
        localOnly: group.localOnly,
        peers: options.peers,
        start: chooseStart(group.members),
        files: group.members.map(({ transfer, file }) => ({
          index: file,
          path: transfer.part.path,
          missing: wantedFromPeers(transfer).ranges,
        })),
      },
      onEvent,
    );
    download = joined;
    for (const [file, transfer] of members) {
      transfer.peers = 'working';
      transfer.wantsChanged = sendingWants(transfer, file, joined);
      transfer.tellHeld = (range) => {
        joined.held(file, range);
      };
      transfer.leaveSwarm = async () => {
        transfer.leaveSwarm = null;
        transfer.wantsChanged = () => undefined;
        transfer.tellHeld = () => undefined;
        transfer.peers = 'gone';
        await joined.release(file);
        members.delete(file);
        if (members.size > 0) return;
        clearInterval(timer);
        if (options.swarm.uploads) onIdle(false);
        else end();
      };
    }
  } catch (error) {
    queueMicrotask(() => {
      fail(error);
    });
  }
  return end;
}

/** Of one object the middle somewhere, of several any but the first, where HTTP begins. */
function chooseStart(members: readonly Member[]): { file: number; offset: number } {
  const chosen = members[Math.ceil(Math.random() * (members.length - 1))];
  if (chosen === undefined) return { file: 0, offset: 0 };
  const { file, transfer } = chosen;
  if (members.length > 1) return { file, offset: 0 };
  transfer.pivot = alignDown(transfer.object.size * (0.25 + Math.random() / 2));
  return { file, offset: transfer.pivot };
}

/** How much of all that was received has come from the own networks, from 0 to 1. */
function localPartOf(received: Readonly<Record<string, number>>): number {
  let [local, all] = [0, 0];
  for (const [address, bytes] of Object.entries(received)) {
    all += bytes;
    if (LOCAL.includes(address)) local += bytes;
  }
  return all === 0 ? 0 : local / all;
}

/** What peers are asked for: not HTTP's chunk, except when nothing else is left to do. */
function wantedFromPeers({ part, claimed }: Transfer): { ranges: ByteRanges; race: boolean } {
  const missing = part.missing();
  const others = claimed === null ? missing : removeRange(missing, claimed);
  return others.length > 0 ? { ranges: others, race: false } : { ranges: missing, race: true };
}

/** Tells the swarm what is wanted when HTTP has moved on; what peers delivered it knows itself. */
function sendingWants(transfer: Transfer, file: number, download: SwarmDownload): () => void {
  let last = '';
  return () => {
    const { ranges, race } = wantedFromPeers(transfer);
    const { start, end } = transfer.claimed ?? { start: -1, end: -1 };
    const state = `${start}-${end} ${String(race)}`;
    if (state === last) return;
    last = state;
    download.want(file, ranges);
  };
}
