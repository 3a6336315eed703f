import type { Torrent } from 'webtorrent';

/** Looking for something to ask of peers takes this part of the time at most. */
const SHARE_OF_TIME = 0.25;
/** With these it costs little, and one fast peer must not wait: that made 22 MB/s of 63. */
const FEW_PEERS = 4;
/** Milliseconds between two looks with more. */
const PAUSE = 25;

/**
 * WebTorrent looks through all pieces for all peers at every message, thousands of times a second
 * with thirty peers. Here what was asked for while it looked, or soon after, is done at once.
 */
export function paceUpdates(torrent: Torrent): void {
  const update = torrent._update.bind(torrent);
  let notBefore = 0;
  let waiting = false;
  const run = (): void => {
    waiting = false;
    const startedAt = performance.now();
    update();
    const endedAt = performance.now();
    notBefore = endedAt + Math.max((endedAt - startedAt) / SHARE_OF_TIME, PAUSE);
  };
  torrent._update = () => {
    if (waiting) return;
    if (hasFewPeers(torrent)) {
      run();
      return;
    }
    const pause = notBefore - performance.now();
    if (pause <= 0) {
      run();
      return;
    }
    waiting = true;
    setTimeout(run, pause);
  };
}

export function hasFewPeers({ wires }: Torrent): boolean {
  return wires.length <= FEW_PEERS;
}
