import http from 'node:http';
import https from 'node:https';

import { DebshoalError } from '../../errors.js';
import { isErrno } from '../../io/errno.js';
import { decodeBencode, isDictionary, type Bencoded } from '../../torrent/bencode.js';
import { decodeCompactPeers } from '../compact-peers.js';
import {
  MAX_ANSWER_PEERS,
  TrackerRefusal,
  type Announcement,
  type TrackerAnswer,
} from './announcement.js';

const TIMEOUT = 15_000;
/** 200 peers of 18 bytes, and some words around them. */
const MAX_ANSWER = 32 * 1024;
/** Connections to one tracker; the others wait for these. */
const MAX_SOCKETS = 2;

export interface HttpTrackers {
  /** Fails with `swarm-failed`. */
  readonly announce: (url: string, announcement: Announcement) => Promise<TrackerAnswer>;
  readonly close: () => void;
}

/** Announces over HTTP and HTTPS (BEP 3, 7, 23), many torrents through few connections. */
export function openHttpTrackers(): HttpTrackers {
  const options = { keepAlive: true, maxSockets: MAX_SOCKETS, timeout: TIMEOUT };
  const agents = { 'http:': new http.Agent(options), 'https:': new https.Agent(options) };
  const closing = new AbortController();
  return {
    announce: async (tracker, announcement) => {
      const url = `${tracker}${tracker.includes('?') ? '&' : '?'}${query(announcement)}`;
      const { protocol } = new URL(tracker);
      const client = protocol === 'https:' ? https : http;
      const agent = agents[protocol === 'https:' ? 'https:' : 'http:'];
      const signal = AbortSignal.any([closing.signal, AbortSignal.timeout(TIMEOUT)]);
      try {
        return parseAnswer(await get(client.get, url, { agent, signal }));
      } catch (cause) {
        throw new DebshoalError('swarm-failed', `tracker ${tracker}: ${String(cause)}`, { cause });
      }
    },
    close: () => {
      closing.abort();
      for (const agent of Object.values(agents)) agent.destroy();
    },
  };
}

interface Sending {
  /** False is a connection of its own. */
  readonly agent: http.Agent | false;
  readonly signal: AbortSignal;
}

function get(send: typeof http.get, url: string, { agent, signal }: Sending): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const headers = { 'user-agent': 'debshoal' };
    const request = send(url, { agent, signal, headers, maxHeaderSize: 8192 }, (response) => {
      const chunks: Buffer[] = [];
      let length = 0;
      response.on('data', (chunk: Buffer) => {
        chunks.push(chunk);
        length += chunk.length;
        if (length > MAX_ANSWER) request.destroy(new Error('its answer is too long'));
      });
      response.on('error', reject);
      response.on('end', () => {
        // Redirects too: the trackers are those of the signed index.
        if (response.statusCode === 200) resolve(Buffer.concat(chunks));
        else reject(new Error(`status ${response.statusCode ?? 0}`));
      });
    });
    request.on('error', (error) => {
      // opentracker ends each connection without saying so: that is no failure of it.
      if (agent !== false && isErrno(error, 'ECONNRESET')) {
        resolve(get(send, url, { agent: false, signal }));
      } else reject(error);
    });
  });
}

function query(announcement: Announcement): string {
  const { infoHash, peerId, port, uploaded, downloaded, left, event, wanted } = announcement;
  const fields = [
    `info_hash=${percentEncoded(infoHash)}`,
    `peer_id=${percentEncoded(peerId)}`,
    `port=${port}`,
    `uploaded=${uploaded}`,
    `downloaded=${downloaded}`,
    `left=${left}`,
    'compact=1',
    `numwant=${wanted}`,
    ...(event === null ? [] : [`event=${event}`]),
  ];
  return fields.join('&');
}

function percentEncoded(hex: string): string {
  return hex.replace(/../g, '%$&');
}

/** Throws for everything that is no answer with an interval. */
export function parseAnswer(bytes: Uint8Array): TrackerAnswer {
  const { value } = decodeBencode(bytes, false);
  if (!isDictionary(value)) throw new Error('no answer of a tracker');
  const failure = value.get('failure reason');
  if (failure !== undefined) throw new TrackerRefusal(textOf(failure) || 'refused');
  const interval = value.get('interval');
  if (typeof interval !== 'number') throw new Error('an answer without an interval');
  const peers = [...peersOf(value.get('peers'), 4), ...peersOf(value.get('peers6'), 6)];
  return { interval: interval * 1000, peers: peers.slice(0, MAX_ANSWER_PEERS) };
}

/** Compact, or a list of dictionaries. */
function peersOf(value: Bencoded | undefined, family: 4 | 6): string[] {
  if (value instanceof Uint8Array) return decodeCompactPeers(value, family, MAX_ANSWER_PEERS);
  if (!Array.isArray(value)) return [];
  return (value as readonly Bencoded[]).slice(0, MAX_ANSWER_PEERS).flatMap((entry) => {
    if (!isDictionary(entry)) return [];
    const [address, port] = [textOf(entry.get('ip')), entry.get('port')];
    if (typeof port !== 'number') return [];
    return [address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`];
  });
}

function textOf(value: Bencoded | undefined): string {
  return value instanceof Uint8Array ? Buffer.from(value).toString('latin1').slice(0, 200) : '';
}
