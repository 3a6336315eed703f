import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

import type { LabHost } from '../../bench/swarm/lab-network.js';
import type { SwarmOptions } from '../../shared/swarm/swarm.js';
import { until } from './cleanup.js';

export interface LabPeerTask {
  readonly swarm: Omit<SwarmOptions, 'onWarning' | 'groupKey'> & { readonly groupKey?: string };
  readonly torrentPath: string;
  /** Of the only file. */
  readonly path: string;
  /** False: it is downloaded. */
  readonly seeds: boolean;
  readonly trackers: readonly string[];
  readonly peers: readonly string[];
  /** What may be uploaded beyond the own networks. */
  readonly beyondBytes?: number;
}

export interface LabPeer {
  readonly port: number;
  /** Of the process that holds the swarm. */
  readonly pid: number;
  /** Bytes so far. */
  readonly verified: () => number;
  readonly uploaded: () => { readonly local: number; readonly beyond: number };
  readonly close: () => Promise<void>;
}

/** Starts a swarm on a host; resolves when it seeds, or has begun to download. */
export async function startLabPeer(
  host: LabHost,
  task: Partial<LabPeerTask> & Pick<LabPeerTask, 'torrentPath' | 'path' | 'seeds' | 'swarm'>,
): Promise<LabPeer> {
  const program = new URL('../../dist/test/support/lab-peer-process.js', import.meta.url);
  const json = JSON.stringify({ trackers: [], peers: [], ...task });
  const [command, ...args] = [...host.prefix, process.execPath, fileURLToPath(program), json];
  const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'] });
  let started: { port: number; pid: number } | undefined;
  let verified = 0;
  const uploaded = { local: 0, beyond: 0 };
  createInterface(child.stdout).on('line', (line) => {
    const event = JSON.parse(line) as Record<string, number>;
    if (event['port'] !== undefined) started = { port: event['port'], pid: event['pid'] ?? 0 };
    verified = event['verified'] ?? verified;
    uploaded.local += event['local'] ?? 0;
    uploaded.beyond += event['beyond'] ?? 0;
  });
  await until(() => started !== undefined || child.exitCode !== null);
  if (started === undefined) throw new Error('the peer did not start');
  return {
    ...started,
    verified: () => verified,
    uploaded: () => uploaded,
    close: async () => {
      child.stdin.end();
      if (child.exitCode === null) await once(child, 'exit');
    },
  };
}
