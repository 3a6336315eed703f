import type { Torrent } from 'webtorrent';

import { addRange, type ByteRange, type ByteRanges } from '../io/byte-ranges.js';
import type { TorrentEvent } from './messages.js';
import { hasFewPeers } from './pace-updates.js';

/** Milliseconds: in a crowd a message for each piece was a tenth of the work. */
const WAIT = 100;

/** Reports what is verified of files: from many peers what comes within a moment together. */
export function gatherVerified(
  torrent: Torrent,
  report: (event: TorrentEvent) => void,
): (file: number, range: ByteRange) => void {
  const waiting = new Map<number, ByteRanges>();
  let timer: NodeJS.Timeout | null = null;
  const tell = (): void => {
    timer = null;
    for (const [file, ranges] of waiting) {
      for (const range of ranges) report({ kind: 'verified', file, ...range });
    }
    waiting.clear();
  };
  torrent.once('close', () => {
    clearTimeout(timer ?? undefined);
  });
  return (file, range) => {
    waiting.set(file, addRange(waiting.get(file) ?? [], range));
    if (hasFewPeers(torrent)) tell();
    else timer ??= setTimeout(tell, WAIT);
  };
}
