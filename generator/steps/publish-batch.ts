import { createReadStream } from 'node:fs';
import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

import { batchTorrentPath, deltaPath, metalinkPath, urlPath } from '../../shared/index/layout.js';
import { temporaryBeside, writeFileAtomically } from '../../shared/io/files.js';
import { linkOrCopy } from '../../shared/io/link-or-copy.js';
import { createTorrent, pieceLengthFor } from '../../shared/torrent/metainfo.js';
import { encodeMetalink } from '../../shared/torrent/metalink.js';
import type { GeneratorState, MadeDelta } from '../state/state.js';
import type { PendingDelta } from './make-deltas.js';

export interface BatchOptions {
  readonly out: string;
  readonly announce: readonly string[];
  /** Public URL of `out`, for web seeds and metalinks; null when it is not known. */
  readonly baseUrl: string | null;
  /** Names of published batches, which are never used again. */
  readonly known: GeneratorState['batches'];
  readonly now: Date;
}

/**
 * Deltas in one batch. Whoever wants one of them fetches the torrent of all, about 100 bytes for each,
 * and a seeder parses it when it is asked.
 */
const MAX_FILES = 1000;

export interface PublishedBatches {
  readonly batches: GeneratorState['batches'];
  readonly deltas: MadeDelta[];
}

/**
 * Puts the deltas of one run into few folders, each with one torrent: hundreds of small deltas as
 * torrents of their own would drown trackers. Neighbours by name stay together, for they are often
 * upgraded together. Two deltas of one file name (the same versions built twice, in two suites) go
 * into two batches. Returns what the state has to remember.
 */
export async function publishBatch(
  pending: readonly PendingDelta[],
  options: BatchOptions,
): Promise<PublishedBatches> {
  const published: PublishedBatches = { batches: [], deltas: [] };
  const sorted = [...pending].sort((a, b) => (a.fileName < b.fileName ? -1 : 1));
  for (let rest = sorted; rest.length > 0;) {
    const byFileName = new Map(rest.map((delta) => [delta.fileName, delta]));
    const taken = new Set([...byFileName.values()].slice(0, MAX_FILES));
    const known = [...options.known, ...published.batches];
    const batch = await publishOne([...taken], { ...options, known });
    published.batches.push(batch);
    published.deltas.push(...[...taken].map((delta) => remember(delta, batch.name)));
    rest = rest.filter((delta) => !taken.has(delta));
  }
  return published;
}

async function publishOne(
  pending: readonly PendingDelta[],
  { out, announce, baseUrl, known, now }: BatchOptions,
): Promise<GeneratorState['batches'][number]> {
  const name = newName(now, known);
  const files = pending;

  // The folder appears whole or not at all.
  const folder = join(out, deltaPath(name, ''));
  const unfinished = temporaryBeside(join(dirname(folder), name));
  await mkdir(unfinished, { recursive: true });
  for (const { path, fileName, size, sha256 } of files) {
    await linkOrCopy(path, join(unfinished, fileName));
    if (baseUrl === null) continue;
    const torrent = {
      url: `${baseUrl}/${urlPath(batchTorrentPath(name))}`,
      filePath: `${name}/${fileName}`,
    };
    const urls = [`${baseUrl}/${urlPath(deltaPath(name, fileName))}`];
    const metalink = encodeMetalink({ name: fileName, size, sha256, urls, torrent });
    await writeFile(join(unfinished, metalinkPath(fileName)), metalink);
  }
  // Of a run that was killed before it could remember its batch.
  await rm(folder, { recursive: true, force: true });
  await rename(unfinished, folder);

  const total = files.reduce((sum, { size }) => sum + size, 0);
  const { torrent, infoHash } = await createTorrent({
    name,
    files: files.map(({ fileName, size }) => ({ path: fileName, length: size })),
    pieceLength: pieceLengthFor(total, files.length),
    announce,
    webSeeds: baseUrl === null ? [] : [`${baseUrl}/deltas/`],
    content: readAll(files.map(({ fileName }) => join(folder, fileName))),
  });
  await writeFileAtomically(join(out, batchTorrentPath(name)), torrent);
  return { name, infoHash };
}

/** The time to the second, and a number for the second batch of a second. */
function newName(now: Date, known: GeneratorState['batches']): string {
  const time = now.toISOString().slice(0, 19).replaceAll(':', '').toLowerCase();
  const isTaken = (name: string): boolean => known.some((batch) => batch.name === name);
  let name = `${time}z`;
  for (let number = 2; isTaken(name); number++) name = `${time}z-${number}`;
  return name;
}

function remember(delta: PendingDelta, batch: string): MadeDelta {
  const { pair, size, sha256, memoryMiB, encoderMiB, expanded, work } = delta;
  return {
    oldSha256: pair.old.sha256,
    newSha256: pair.new.sha256,
    oldPackage: pair.old.package,
    oldVersion: pair.old.version,
    size,
    sha256,
    memoryMiB,
    encoderMiB,
    expanded,
    work,
    batch,
  };
}

async function* readAll(paths: readonly string[]): AsyncGenerator<Uint8Array> {
  for (const path of paths) {
    for await (const chunk of createReadStream(path)) yield chunk as Buffer;
  }
}
