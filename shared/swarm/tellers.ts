import { lookup } from 'node:dns/promises';

import { normaliseAddress } from './addresses.js';

/** Trackers have few hosts; more come only from somebody who wants them looked up. */
const MAX_HOSTS = 1000;

/** Where trackers are: one in the own network may name peers there, one beyond may not. */
export interface Tellers {
  /** The address of a tracker's host; empty when it cannot be found. */
  readonly addressOf: (url: string) => Promise<string>;
}

export function openTellers(): Tellers {
  const known = new Map<string, Promise<string>>();
  return {
    addressOf: (url) => {
      const host = hostOf(url);
      const found = known.get(host) ?? find(host);
      if (known.size < MAX_HOSTS) known.set(host, found);
      return found;
    },
  };
}

async function find(host: string): Promise<string> {
  try {
    return normaliseAddress((await lookup(host)).address);
  } catch {
    return '';
  }
}

function hostOf(url: string): string {
  // Only of known schemes is the host read as one.
  const readable = url.replace(/^udp:/, 'http:');
  return URL.canParse(readable) ? new URL(readable).hostname.replace(/^\[(.*)\]$/, '$1') : '';
}
