import { join } from 'node:path';

import { z } from 'zod';

import { writeFileAtomically } from '../../shared/io/files.js';
import { subscriberOf } from '../../shared/swarm/addresses.js';
import { readKept } from './read-kept.js';

/** Addresses change hands: after a week somebody else may have it. */
const BAN_DAYS = 7;
/** An attacker has many addresses; the oldest bans make room. */
const MAX_BANS = 1000;

const schema = z.array(z.object({ address: z.union([z.ipv4(), z.ipv6()]), until: z.number() }));

/** Peers that have sent wrong data, over all runs. Lost ones are only found out once more. */
export interface BannedPeers {
  /** For a swarm's blocklist. */
  readonly addresses: readonly string[];
  /** Remembers one; resolves when that is written, and never fails. */
  readonly add: (address: string) => Promise<void>;
}

export async function openBannedPeers(stateFolder: string, now: () => Date): Promise<BannedPeers> {
  const path = join(stateFolder, 'banned-peers.json');
  const time = now().getTime();
  const kept = ((await readKept(path, schema)) ?? []).filter(({ until }) => until > time);
  let bans = kept.slice(-MAX_BANS);
  let writing = Promise.resolve();
  let isQueued = false;
  const write = (): Promise<void> => {
    isQueued = false;
    return writeFileAtomically(path, JSON.stringify(bans));
  };
  return {
    addresses: bans.map(({ address }) => subscriberOf(address)),
    add: (address) => {
      const until = now().getTime() + BAN_DAYS * 24 * 60 * 60 * 1000;
      const others = bans.filter((ban) => subscriberOf(ban.address) !== subscriberOf(address));
      bans = [...others, { address, until }].slice(-MAX_BANS);
      // Many at once are written together.
      if (!isQueued) writing = writing.then(write).catch(() => undefined);
      isQueued = true;
      return writing;
    },
  };
}
