import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir } from 'node:fs/promises';

import { DebshoalError } from '../../shared/errors.js';
import type { LabHost } from './lab-network.js';

/** A program that is running; it is killed when it is closed. */
export interface Running {
  /** Resolves when a line with `text` is printed; fails with `tool-failed` when it ends before. */
  readonly prints: (text: string) => Promise<void>;
  readonly close: () => Promise<void>;
}

/** One transfer between two instances of a program on one host: where files and torrent lie. */
export interface Transfer {
  readonly torrentPath: string;
  /** Folder with the complete file, under its name. */
  readonly seedFolder: string;
  readonly emptyFolder: string;
  /** Through which aria2 finds its peer. */
  readonly tracker: string;
  readonly signal: AbortSignal;
}

/** Seconds from starting aria2 until it has everything from another aria2. */
export async function transferWithAria2(host: LabHost, transfer: Transfer): Promise<number> {
  const { torrentPath, tracker, seedFolder, emptyFolder, signal } = transfer;
  await mkdir(emptyFolder);
  const start = (folder: string, port: number, ...more: string[]): Running => {
    const quiet = ['--enable-dht=false', '--bt-enable-lpd=false', '--enable-peer-exchange=false'];
    const here = [`--dir=${folder}`, `--listen-port=${port}`, `--bt-tracker=${tracker}`];
    const options = [...quiet, ...here, '--file-allocation=none', '--console-log-level=notice'];
    return startProgram([...host.prefix, 'aria2c', ...options, ...more, torrentPath], signal);
  };
  const seed = ['--bt-seed-unverified=true', '--seed-ratio=0.0', '--allow-overwrite=true'];
  const seeder = start(seedFolder, 6991, ...seed);
  try {
    // It announces itself within this time, and says nothing of it.
    await new Promise((resolve) => setTimeout(resolve, 2000));
    const startedAt = performance.now();
    const leecher = start(emptyFolder, 6992, '--seed-time=0');
    try {
      await leecher.prints('Download complete');
      return (performance.now() - startedAt) / 1000;
    } finally {
      await leecher.close();
    }
  } finally {
    await seeder.close();
  }
}

/** What Debian's python3-libtorrent does for both sides; arguments: torrent, folder, port, peer. */
const LIBTORRENT = `
import sys, time, libtorrent as lt
torrent, folder, port, peer = sys.argv[1:]
session = lt.session({'listen_interfaces': '0.0.0.0:' + port, 'enable_dht': False,
    'enable_lsd': False, 'enable_upnp': False, 'enable_natpmp': False,
    'enable_incoming_utp': False, 'enable_outgoing_utp': False,
    'allow_multiple_connections_per_ip': True})
params = lt.add_torrent_params()
params.ti = lt.torrent_info(torrent)
params.save_path = folder
if not peer: params.flags |= lt.torrent_flags.seed_mode
handle = session.add_torrent(params)
if peer:
    address, peer_port = peer.rsplit(':', 1)
    handle.connect_peer((address, int(peer_port)))
print('started', flush=True)
while peer and not handle.status().is_seeding: time.sleep(0.01)
print('complete', flush=True)
while True: time.sleep(60)
`;

/** For a folder that has everything, when no peer is named; else it asks that, and the trackers. */
export function libtorrentCommand(
  torrentPath: string,
  folder: string,
  port: string,
  peer: string,
): string[] {
  // Debian's package is for Debian's own Python.
  return ['/usr/bin/python3', '-c', LIBTORRENT, torrentPath, folder, port, peer];
}

/** Seconds from adding the torrent until libtorrent has everything from another libtorrent. */
export async function transferWithLibtorrent(host: LabHost, transfer: Transfer): Promise<number> {
  const { torrentPath, seedFolder, emptyFolder, signal } = transfer;
  await mkdir(emptyFolder);
  const start = (folder: string, port: string, peer: string): Running =>
    startProgram([...host.prefix, ...libtorrentCommand(torrentPath, folder, port, peer)], signal);
  const seeder = start(seedFolder, '6993', '');
  try {
    await seeder.prints('complete');
    const leecher = start(emptyFolder, '6994', `${host.address}:6993`);
    try {
      await leecher.prints('started');
      const startedAt = performance.now();
      await leecher.prints('complete');
      return (performance.now() - startedAt) / 1000;
    } finally {
      await leecher.close();
    }
  } finally {
    await seeder.close();
  }
}

const OUTPUT_KEPT = 64 * 1024;

/** Starts a program with its arguments; it is killed at the abort, too. */
export function startProgram(
  [program = '', ...args]: readonly string[],
  signal: AbortSignal,
): Running {
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  const ended = once(child, 'close').catch(() => undefined);
  const kill = (): void => {
    child.kill('SIGKILL');
  };
  signal.addEventListener('abort', kill);
  let output = '';
  let look = (): void => undefined;
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => {
      output = (output + chunk.toString()).slice(-OUTPUT_KEPT);
      look();
    });
  }
  return {
    prints: (text) =>
      new Promise((resolve, reject) => {
        look = () => {
          if (output.includes(text)) resolve();
        };
        look();
        void ended.then(() => {
          reject(new DebshoalError('tool-failed', `${program} ended: ${output.slice(-500)}`));
        });
      }),
    close: async () => {
      signal.removeEventListener('abort', kill);
      kill();
      await ended;
    },
  };
}
