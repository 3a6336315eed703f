import { join } from 'node:path';

import { trackerWhitelistPath } from '../../shared/index/layout.js';
import { readIfPresent, writeFileAtomically } from '../../shared/io/files.js';
import { LIMITS } from '../../shared/limits.js';
import type { GeneratorState } from '../state/state.js';

/**
 * Lists the info hashes of all published torrents, one a line and sorted, for trackers that serve
 * only those they know (`opentracker -w`). Writes nothing when the list is the same.
 */
export async function writeWhitelist(
  { batches, debTorrents }: Pick<GeneratorState, 'batches' | 'debTorrents'>,
  out: string,
): Promise<void> {
  const infoHashes = [...batches, ...debTorrents].map(({ infoHash }) => infoHash);
  const text = Buffer.from(
    [...new Set(infoHashes)]
      .sort()
      .map((infoHash) => `${infoHash}\n`)
      .join(''),
  );
  const path = join(out, trackerWhitelistPath());
  const before = await readIfPresent(path, LIMITS.stateBytes);
  if (before?.equals(text) !== true) await writeFileAtomically(path, text);
}
