import { createReadStream } from 'node:fs';
import { mkdir, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';

import { batchTorrentPath, deltaFileName, deltaPath } from '../../shared/index/layout.js';
import { writeFileAtomically } from '../../shared/io/files.js';
import { createTorrent, pieceLengthFor } from '../../shared/torrent/metainfo.js';
import { linkOrCopy } from '../state/deb-store.js';
import type { GeneratorState, MadeDelta } from '../state/state.js';
import type { PendingDelta } from './make-deltas.js';

export interface BatchOptions {
  readonly out: string;
  readonly announce: readonly string[];
  /** Public URL of `out`, for web seeds; null when it is not known. */
  readonly baseUrl: string | null;
  readonly now: Date;
}

/**
 * Puts the deltas of one run into one folder with one torrent: hundreds of small deltas as torrents
 * of their own would drown trackers. Returns what the state has to remember.
 */
export async function publishBatch(
  pending: readonly PendingDelta[],
  options: BatchOptions,
): Promise<{ batches: GeneratorState['batches']; deltas: MadeDelta[] }> {
  if (pending.length === 0) return { batches: [], deltas: [] };
  const name = options.now.toISOString().slice(0, 19).replaceAll(':', '').toLowerCase();
  const files = pending
    .map((delta) => ({ delta, fileName: fileNameOf(delta) }))
    .sort((a, b) => (a.fileName < b.fileName ? -1 : 1));

  // The folder appears whole or not at all.
  const folder = join(options.out, deltaPath(name, ''));
  const unfinished = join(dirname(folder), `.${name}`);
  await rm(unfinished, { recursive: true, force: true });
  await mkdir(unfinished, { recursive: true });
  for (const { delta, fileName } of files) {
    await linkOrCopy(delta.path, join(unfinished, fileName));
  }
  await rm(folder, { recursive: true, force: true });
  await rename(unfinished, folder);

  const total = pending.reduce((sum, { size }) => sum + size, 0);
  const { torrent, infoHash } = await createTorrent({
    name,
    files: files.map(({ delta, fileName }) => ({ path: fileName, length: delta.size })),
    pieceLength: pieceLengthFor(total, files.length),
    announce: options.announce,
    webSeeds: options.baseUrl === null ? [] : [`${options.baseUrl}/deltas/`],
    content: readAll(files.map(({ fileName }) => join(folder, fileName))),
  });
  await writeFileAtomically(join(options.out, batchTorrentPath(name)), torrent);
  const deltas = pending.map(({ pair, size, sha256, memoryMiB }) => ({
    oldSha256: pair.old.sha256,
    newSha256: pair.new.sha256,
    oldVersion: pair.old.version,
    size,
    sha256,
    memoryMiB,
    batch: name,
  }));
  return { batches: [{ name, infoHash }], deltas };
}

function fileNameOf({ pair }: PendingDelta): string {
  const { package: name, version, architecture } = pair.new;
  return deltaFileName(name, pair.old.version, version, architecture);
}

async function* readAll(paths: readonly string[]): AsyncGenerator<Uint8Array> {
  for (const path of paths) {
    for await (const chunk of createReadStream(path)) yield chunk as Buffer;
  }
}
