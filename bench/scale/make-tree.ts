import { randomBytes } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { pendingPath } from '../../generator/steps/make-deltas.js';
import type { DiffedPair } from '../../generator/workers/diff-worker.js';
import { indexPath, suiteFolder } from '../../shared/index/layout.js';
import { sha256 } from '../../shared/io/hash.js';
import { writePlainArchive } from '../main-job/plain-archive.js';
import { runMeasured, type Command, type Cost } from '../measure/run-measured.js';

const SUITE = 'scale';

export interface MadeTree {
  readonly out: string;
  /** Of `publish` with all packages new: versions are remembered; and of the one after it. */
  readonly first: Cost;
  readonly second: Cost;
  /** Of `publish` when nothing is new. */
  readonly idle: Cost;
}

export interface TreeOptions {
  /** Published objects: half of them deltas in batches, the others packages with a torrent each. */
  readonly objects: number;
  readonly folder: string;
  readonly announce: string;
  readonly signal: AbortSignal;
}

/**
 * Publishes so many objects with the real `publish`. Their contents are noise: no package is diffed,
 * the deltas wait as if a run that was killed had made them.
 */
export async function makeTree(options: TreeOptions): Promise<MadeTree> {
  const { folder, announce, signal } = options;
  const count = options.objects / 2;
  const [archive, out, home] = ['archive', 'out', 'home'].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ];
  await mkdir(archive);
  const measure = async (...args: string[]): Promise<Cost> => {
    const program = fileURLToPath(new URL('../../generator/cli.js', import.meta.url));
    const command: Command = [process.execPath, program, ...args, '--home', home];
    const limits = { cores: [], folder, maxSeconds: 1800, signal };
    return (await runMeasured([command], limits)).cost;
  };
  const publish = (): Promise<Cost> => measure('publish', archive, '--out', out);
  await measure('init', '--name', 'Scale', '--email', 'scale@example.org', '--announce', announce);
  const old = await writeVersion(archive, folder, count, 1);
  const first = await publish();
  const next = await writeVersion(archive, folder, count, 2);
  await mkdir(join(home, 'pending'), { recursive: true });
  for (const [index, oldSha256] of old.entries()) {
    const pair = { old: { sha256: oldSha256 }, new: { sha256: next[index] ?? '' } };
    await writePending(pendingPath(home, pair));
  }
  return { out, first, second: await publish(), idle: await publish() };
}

/** An archive with `count` packages of one version; their hashes, in order. */
async function writeVersion(
  archive: string,
  folder: string,
  count: number,
  version: number,
): Promise<string[]> {
  const parent = join(folder, `debs-${version}`);
  await mkdir(parent);
  const debs: string[] = [];
  const hashes: string[] = [];
  for (let index = 0; index < count; index++) {
    const deb = join(parent, `pkg${String(index).padStart(6, '0')}.deb`);
    const content = randomBytes(1000 + (index % 2000));
    await writeFile(deb, content);
    debs.push(deb);
    hashes.push(sha256(content));
  }
  await writePlainArchive(archive, {
    suite: SUITE,
    architectures: ['amd64'],
    debs,
    controlOf: (deb) => {
      const name = basename(deb, '.deb');
      return Promise.resolve(`Package: ${name}\nVersion: ${version}\nArchitecture: amd64`);
    },
  });
  return hashes;
}

async function writePending(path: string): Promise<void> {
  const delta = randomBytes(300);
  const known: DiffedPair = {
    size: delta.length,
    sha256: sha256(delta),
    memoryBytes: 2 ** 20,
    encoderBytes: 2 ** 20,
    unreproducible: null,
    packing: { parts: [], unreproducible: null, counts: [] },
    expanded: { size: 4000, sha256: sha256(delta.subarray(1)) },
    work: { decode: 1, compress: 1 },
  };
  await writeFile(path, delta);
  await writeFile(`${path}.json`, JSON.stringify(known));
}

/** Where a published tree has its index. */
export async function readIndexFile(out: string): Promise<Buffer> {
  return readFile(join(out, suiteFolder(SUITE), `${indexPath('main', 'amd64')}.xz`));
}
