// The process that holds WebTorrent: whatever happens in here, the parent only sees it end.
import { parseTorrent } from '../torrent/metainfo.js';
import { startGuardedClient, type GuardedClient } from './guarded-client.js';
import type { FromChild, OfferedContent, ToChild, TorrentEvent, Upload } from './messages.js';
import { openOffers, type Offers, type OffersPorts } from './offers.js';
import {
  checkSeedFiles,
  startDownload,
  startOffered,
  startSeed,
  type Session,
  type SessionPorts,
} from './sessions.js';

/** Time for the farewells to trackers. */
const GOODBYE = 200;

const sessions = new Map<string, Session>();
const checking = new Map<string, symbol>();
let client: GuardedClient | undefined;
let offers: Offers | undefined;

const tell = (message: FromChild): void => {
  if (process.connected) process.send?.(message, () => undefined);
};

/** What was uploaded of each torrent since it was last told. */
const uploads = new Map<string, Upload>();
const UPLOADS_INTERVAL = 1000;

const countUpload = (infoHash: string, bytes: number, local: boolean): void => {
  const sum = uploads.get(infoHash) ?? { infoHash, local: 0, beyond: 0 };
  uploads.set(infoHash, {
    infoHash,
    local: sum.local + (local ? bytes : 0),
    beyond: sum.beyond + (local ? 0 : bytes),
  });
};

const tellUploads = (): void => {
  for (const upload of uploads.values()) tell({ kind: 'uploaded', ...upload });
  uploads.clear();
};

let activity = '';

const tellActivity = (): void => {
  const { torrents } = running().webTorrent;
  const peers = torrents.reduce((sum, { wires }) => sum + wires.length, 0);
  const now = { torrents: torrents.length, peers };
  if (JSON.stringify(now) !== activity) tell({ kind: 'activity', ...now });
  activity = JSON.stringify(now);
};

const reporter =
  (infoHash: string) =>
  (event: TorrentEvent): void => {
    tell({ kind: 'torrent', infoHash, event });
  };

const portsOf = (infoHash: string): SessionPorts => ({
  report: reporter(infoHash),
  onSent: (bytes, local) => {
    countUpload(infoHash, bytes, local);
  },
});

/** Without the parent nobody needs us. */
process.on('disconnect', () => process.exit(0));
/** Ctrl-C reaches the whole process group; the parent decides what it means. */
process.on('SIGINT', () => undefined);
process.on('message', (message: ToChild) => {
  handle(message).catch((error: unknown) => {
    if ('infoHash' in message) {
      reporter(message.infoHash)({ kind: 'failed', message: String(error) });
    } else {
      throw error;
    }
  });
});

async function handle(message: ToChild): Promise<void> {
  switch (message.kind) {
    case 'start':
      start(message);
      return;
    case 'ping':
      tell({ kind: 'pong' });
      return;
    case 'download':
      stop(message.infoHash);
      sessions.set(message.infoHash, startDownload(running(), message, portsOf(message.infoHash)));
      return;
    case 'seed': {
      stop(message.infoHash);
      const token = Symbol(message.infoHash);
      checking.set(message.infoHash, token);
      const complaint = await checkSeedFiles(parseTorrent(message.torrent), message.paths);
      // Stopped, or seeded anew, while the files were looked at.
      if (checking.get(message.infoHash) !== token) return;
      if (complaint !== null) throw new Error(complaint);
      sessions.set(message.infoHash, startSeed(running(), message, portsOf(message.infoHash)));
      return;
    }
    case 'want':
      sessions.get(message.infoHash)?.want(message.file, message.missing);
      return;
    case 'held':
      sessions.get(message.infoHash)?.held(message.file, message.range);
      return;
    case 'release': {
      const session = sessions.get(message.infoHash);
      if (session !== undefined) session.release(message.file);
      else reporter(message.infoHash)({ kind: 'released', file: message.file });
      return;
    }
    case 'stop':
      stop(message.infoHash);
      return;
    case 'offer':
      offers?.add(message.offers);
      return;
    case 'withdraw':
      offers?.remove(message.infoHashes);
      return;
    case 'load':
      offers?.load(message.infoHash, message.content);
      return;
    case 'allow':
      running().gate.allow(message.allowance);
      return;
    case 'close':
      for (const infoHash of [...sessions.keys()]) stop(infoHash);
      tellUploads();
      running().lan?.close();
      setTimeout(() => process.exit(0), GOODBYE);
      return;
  }
}

function start({ options }: Extract<ToChild, { kind: 'start' }>): void {
  client = startGuardedClient(options, (error) => {
    // An error of the client itself (its port is taken) is final.
    process.stderr.write(`${error.message}\n`, () => process.exit(1));
  });
  offers = openOffers(client, {
    ask: (infoHash) => {
      tell({ kind: 'asked', infoHash });
    },
    seed: seedOffered,
    warn: (text) => {
      tell({ kind: 'warning', text });
    },
  });
  setInterval(tellUploads, UPLOADS_INTERVAL);
  setInterval(tellActivity, UPLOADS_INTERVAL);
  client.webTorrent.on('listening', () => {
    tell({ kind: 'started', port: running().webTorrent.torrentPort });
  });
}

function seedOffered(
  infoHash: string,
  content: OfferedContent,
  on: Parameters<OffersPorts['seed']>[2],
): Session {
  const report = (event: TorrentEvent): void => {
    if (event.kind === 'seeding') on.ready();
    if (event.kind === 'failed') on.failed(event.message);
  };
  return startOffered(running(), content, { ...portsOf(infoHash), report });
}

function running(): GuardedClient {
  if (client === undefined) throw new Error('not started');
  return client;
}

function stop(infoHash: string): void {
  sessions.get(infoHash)?.stop();
  sessions.delete(infoHash);
  checking.delete(infoHash);
}
