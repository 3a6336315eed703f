import { statSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';

import { deltaPath } from '../../shared/index/layout.js';
import type { TorrentInfo } from '../../shared/torrent/metainfo.js';

/** Finds the files of torrents in a published folder. */
export interface ContentFinder {
  /**
   * Where the files of a torrent lie, in its order; null when there is no such file. A batch lies in
   * `deltas/<name>/`, a single file anywhere below `pool/`.
   */
  readonly find: (info: TorrentInfo) => Promise<readonly string[] | null>;
  /** The same, and null when one of a batch is missing or has another size: it may have thousands. */
  readonly findAll: (info: TorrentInfo) => Promise<readonly string[] | null>;
  /** Forgets what lies where in the pool: it is looked through again when needed. */
  readonly forget: () => void;
}

export function contentFinder(folder: string): ContentFinder {
  let pool: Promise<ReadonlyMap<string, readonly string[]>> | null = null;
  const find: ContentFinder['find'] = async (info) => {
    if (info.multiFile) {
      return info.files.map(({ path }) => join(folder, deltaPath(info.name, path)));
    }
    pool ??= listByName(join(folder, 'pool'));
    for (const parent of (await pool).get(info.name) ?? []) {
      const path = join(parent, info.name);
      if (sizeOf(path) === info.totalLength) return [path];
    }
    return null;
  };
  return {
    find,
    findAll: async (info) => {
      const paths = await find(info);
      for (const [index, path] of info.multiFile ? (paths ?? []).entries() : []) {
        if (sizeOf(path) !== info.files[index]?.length) return null;
      }
      return paths;
    },
    forget: () => {
      pool = null;
    },
  };
}

/** The folders below `folder` that have a file of each name. Links are not followed. */
async function listByName(folder: string): Promise<ReadonlyMap<string, readonly string[]>> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
  const found = new Map<string, string[]>();
  for (const entry of entries) {
    if (!entry.isFile() || !entry.name.endsWith('.deb')) continue;
    const folders = found.get(entry.name);
    if (folders === undefined) found.set(entry.name, [entry.parentPath]);
    else folders.push(entry.parentPath);
  }
  return found;
}

function sizeOf(path: string): number | null {
  const found = statSync(path, { throwIfNoEntry: false });
  return found?.isFile() === true ? found.size : null;
}
