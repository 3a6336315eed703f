import { readdir } from 'node:fs/promises';
import { join } from 'node:path';

import { decodeRelease, type Release } from '../../shared/index/release.js';
import { readBounded } from '../../shared/io/files.js';
import { LIMITS } from '../../shared/limits.js';
import type { Metric } from './metrics.js';

/**
 * When each suite was published and how long clients believe it. Read from our own tree, unsigned:
 * whoever can change that can also change what is served.
 */
export async function indexMetrics(folder: string): Promise<Metric[]> {
  const releases = await readReleases(join(folder, 'dists'));
  const samples = (time: (release: Release) => Date): Metric['samples'] =>
    releases.map((release) => ({
      labels: { suite: release.suite },
      value: time(release).getTime() / 1000,
    }));
  return [
    {
      name: 'debshoal_index_published_timestamp_seconds',
      kind: 'gauge',
      help: 'When the index of deltas was last published; time() less this is its age.',
      samples: samples(({ date }) => date),
    },
    {
      name: 'debshoal_index_valid_until_timestamp_seconds',
      kind: 'gauge',
      help: 'Until when clients believe the index of deltas.',
      samples: samples(({ validUntil }) => validUntil),
    },
  ];
}

async function readReleases(dists: string): Promise<Release[]> {
  const entries = await readdir(dists, { recursive: true, withFileTypes: true }).catch(() => []);
  const releases: Release[] = [];
  for (const entry of entries) {
    if (entry.name !== 'Release' || !entry.isFile()) continue;
    try {
      const text = await readBounded(join(entry.parentPath, entry.name), LIMITS.releaseBytes);
      releases.push(decodeRelease(text.toString('utf8')));
    } catch {
      // A suite that cannot be read has no sample, and its absence is what to watch for.
    }
  }
  return releases;
}
