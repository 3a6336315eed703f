import { createReadStream, createWriteStream } from 'node:fs';
import { copyFile, mkdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';

import type { InstalledIdentity } from '../../client/apt/installed-source.js';
import { expandDeb, findTar } from '../../shared/deb/expand-deb.js';
import { largestEncoder, type FileIdentity } from '../../shared/delta/delta.js';
import { openDelta } from '../../shared/delta/container.js';
import { exists } from '../../shared/io/files.js';
import { DEBSHOAL, type DeltaTool } from '../deltas/tools.js';
import { openDebStreams } from '../main-job/open-deb-streams.js';
import { makeInstalledRoot } from '../main-job/scratch-root.js';
import { runMeasured, type MeasureOptions } from '../measure/run-measured.js';
import type { Pair } from '../pair-list.js';

/** What the routes of a pair start from. */
export interface PreparedPair extends Pair {
  readonly deltaPath: string;
  readonly deltaBytes: number;
  /** Where the old version is installed, as far as dpkg's records go. */
  readonly root: string;
  readonly old: InstalledIdentity;
  readonly target: FileIdentity;
  readonly expanded: FileIdentity;
  readonly encoderBytes: number;
  /** The new data.tar. */
  readonly tarPath: string;
  readonly tarBytes: number;
}

export interface PrepareOptions extends Omit<MeasureOptions, 'folder' | 'cores'> {
  /** Deltas of an earlier run are taken from this folder, new ones put there; null: none is kept. */
  readonly deltas: string | null;
}

/** Installs the old version below `folder` and makes the delta to the new one. */
export async function preparePair(
  pair: Pair,
  folder: string,
  options: PrepareOptions,
): Promise<PreparedPair> {
  const root = join(folder, 'root');
  await mkdir(root);
  const image = join(folder, 'new-image');
  const newDeb = await expandDeb(pair.newDeb, image);
  await makeInstalledRoot(root, {
    debs: [pair.oldDeb],
    architecture: newDeb.control.architecture,
    openDeb: (deb) => openDebStreams(deb, join(folder, 'old-image')),
  });
  await rm(join(folder, 'old-image'));
  const tarPath = join(folder, 'data.tar');
  const { imageOffset: start, length: tarBytes } = findTar(newDeb.parts, 'data');
  const tar = createReadStream(image, { start, end: start + tarBytes - 1 });
  await pipeline(tar, createWriteStream(tarPath));
  await rm(image);

  const deltaPath = await makeDelta(DEBSHOAL, pair, folder, options);
  const { header } = await openDelta(deltaPath);
  return {
    ...pair,
    deltaPath,
    deltaBytes: (await stat(deltaPath)).size,
    root,
    old: {
      package: header.oldPackage,
      architecture: header.architecture,
      version: header.oldVersion,
    },
    target: header.target,
    expanded: header.expanded,
    encoderBytes: largestEncoder(header.parts),
    tarPath,
    tarBytes,
  };
}

/** The delta of a tool in `folder`, made or taken from an earlier run. */
export async function makeDelta(
  tool: DeltaTool,
  pair: Pair,
  folder: string,
  { deltas, ...limits }: PrepareOptions,
): Promise<string> {
  const delta = join(folder, `${tool.name}.delta`);
  const kept = deltas === null ? null : join(deltas, `${pair.name}.${tool.name}`);
  if (kept !== null && (await exists(kept))) {
    await copyFile(kept, delta);
    return delta;
  }
  await runMeasured(tool.diff(await filesOf(pair, delta, folder)), {
    ...limits,
    folder,
    cores: [],
  });
  if (kept !== null) await copyFile(delta, kept);
  return delta;
}

/** What a command of a tool takes; its output is `out.deb` in `folder`. */
export async function filesOf(
  pair: Pair,
  delta: string,
  folder: string,
): Promise<Parameters<DeltaTool['apply']>[0]> {
  return {
    old: pair.oldDeb,
    new: pair.newDeb,
    delta,
    out: join(folder, 'out.deb'),
    scratch: join(folder, 'scratch'),
    oldBytes: (await stat(pair.oldDeb)).size,
    newBytes: (await stat(pair.newDeb)).size,
  };
}
