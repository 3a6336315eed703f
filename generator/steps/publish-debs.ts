import { createReadStream } from 'node:fs';
import { basename, join } from 'node:path';

import { debTorrentPath, metalinkPath, urlPath } from '../../shared/index/layout.js';
import { writeFileAtomically } from '../../shared/io/files.js';
import { linkOrCopy } from '../../shared/io/link-or-copy.js';
import { createTorrent, pieceLengthFor } from '../../shared/torrent/metainfo.js';
import { encodeMetalink } from '../../shared/torrent/metalink.js';
import { storedDeb } from '../state/deb-store.js';
import type { GeneratorState, KnownVersion } from '../state/state.js';

export interface PublishDebsOptions {
  readonly home: string;
  readonly out: string;
  readonly announce: readonly string[];
  /** Where full .debs can be had over HTTP: the archive's mirror, else our own output. */
  readonly mirror: string | null;
  /** Public URL of `out`; null: there are no metalinks. */
  readonly baseUrl: string | null;
}

/**
 * Makes a torrent for each full .deb that upgrading machines will want, and links the .deb beside
 * the deltas for the first seeder. Returns the torrents that are new.
 */
export async function publishDebs(
  versions: readonly KnownVersion[],
  known: GeneratorState['debTorrents'],
  options: PublishDebsOptions,
): Promise<GeneratorState['debTorrents']> {
  const done = new Set(known.map((torrent) => torrent.sha256));
  const made: GeneratorState['debTorrents'] = [];
  for (const { sha256, filename, size } of versions) {
    if (done.has(sha256)) continue;
    done.add(sha256);
    const deb = join(options.out, filename);
    if (!(await linkOrCopy(storedDeb(options.home, sha256), deb))) continue;
    const name = basename(filename);
    const webSeeds = options.mirror === null ? [] : [`${options.mirror}/${urlPath(filename)}`];
    const { torrent, infoHash } = await createTorrent({
      name,
      files: [{ path: name, length: size }],
      pieceLength: pieceLengthFor(size),
      announce: options.announce,
      webSeeds,
      content: createReadStream(deb) as AsyncIterable<Buffer>,
    });
    await writeFileAtomically(join(options.out, debTorrentPath(infoHash)), torrent);
    if (options.baseUrl !== null) {
      const url = `${options.baseUrl}/${urlPath(debTorrentPath(infoHash))}`;
      const own = `${options.baseUrl}/${urlPath(filename)}`;
      const urls = [...new Set([...webSeeds, own])];
      const metalink = encodeMetalink({
        name,
        size,
        sha256,
        urls,
        torrent: { url, filePath: null },
      });
      await writeFileAtomically(join(options.out, metalinkPath(filename)), metalink);
    }
    made.push({ sha256, infoHash, filename });
  }
  return made;
}
