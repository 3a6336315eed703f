/** What one sender, and all together, may make us remember. */
const MAX_OF_SENDER = 200;
const MAX_ENTRIES = 4000;
const MAX_PEERS = 50;

/** Who said of which torrent that it has or wants it. */
export interface HeardPeers {
  /** `sender` is the address that the entry counts for. */
  readonly remember: (infoHash: string, peer: string, sender: string) => void;
  /** The newest peers of a torrent. */
  readonly of: (infoHash: string) => readonly string[];
}

interface Heard {
  readonly infoHash: string;
  readonly peer: string;
  readonly sender: string;
  readonly at: number;
}

/** Forgets after `lifetime` milliseconds, and the oldest when there is too much. */
export function heardPeers(lifetime: number, now = (): number => performance.now()): HeardPeers {
  /** In order of age. */
  const entries = new Map<string, Heard>();
  const bySender = new Map<string, Set<string>>();
  const byTorrent = new Map<string, Set<string>>();

  const forget = (key: string): void => {
    const entry = entries.get(key);
    if (entry === undefined) return;
    entries.delete(key);
    removeFrom(bySender, entry.sender, key);
    removeFrom(byTorrent, entry.infoHash, key);
  };
  const forgetOld = (): void => {
    for (const [key, { at }] of entries) {
      if (now() - at < lifetime && entries.size <= MAX_ENTRIES) return;
      forget(key);
    }
  };

  return {
    remember: (infoHash, peer, sender) => {
      const key = `${infoHash} ${peer}`;
      forget(key);
      const [oldest] = bySender.get(sender) ?? [];
      if (oldest !== undefined && (bySender.get(sender)?.size ?? 0) >= MAX_OF_SENDER)
        forget(oldest);
      entries.set(key, { infoHash, peer, sender, at: now() });
      addTo(bySender, sender, key);
      addTo(byTorrent, infoHash, key);
      forgetOld();
    },
    of: (infoHash) => {
      forgetOld();
      const keys = [...(byTorrent.get(infoHash) ?? [])].reverse().slice(0, MAX_PEERS);
      return keys.map((key) => entries.get(key)?.peer ?? '');
    },
  };
}

function addTo(index: Map<string, Set<string>>, name: string, key: string): void {
  const keys = index.get(name) ?? new Set();
  index.set(name, keys.add(key));
}

function removeFrom(index: Map<string, Set<string>>, name: string, key: string): void {
  const keys = index.get(name);
  keys?.delete(key);
  if (keys?.size === 0) index.delete(name);
}
