import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { expect, test } from 'vitest';

import type { PendingDelta } from '../../../generator/steps/make-deltas.js';
import { publishBatch } from '../../../generator/steps/publish-batch.js';
import { batchTorrentPath, deltaPath } from '../../../shared/index/layout.js';
import { sha256 } from '../../../shared/io/hash.js';
import { parseTorrent } from '../../../shared/torrent/metainfo.js';
import { temporaryFolder } from '../../support/cleanup.js';

test('a thousand deltas make a batch, neighbours by name stay together', async () => {
  const folder = await temporaryFolder();
  await mkdir(join(folder, 'pending'));
  const version = (name: string) => ({
    package: name,
    architecture: 'all',
    version: '2',
    sha256: sha256(Buffer.from(name)),
    size: 9,
    filename: '',
  });
  const names = Array.from({ length: 1100 }, (_, index) => `p${String(index).padStart(4, '0')}`);
  const pending: PendingDelta[] = [];
  for (const name of [...names].reverse()) {
    const path = join(folder, 'pending', name);
    await writeFile(path, name);
    pending.push({
      pair: { old: version(name), new: version(name) },
      path,
      fileName: `${name}.delta`,
      size: name.length,
      sha256: sha256(Buffer.from(name)),
      memoryMiB: 1,
      encoderMiB: 1,
      expanded: { size: 1, sha256: '' },
      work: { decode: 1, compress: 1 },
    });
  }
  const out = join(folder, 'out');
  const now = new Date('2026-01-02T03:04:05Z');
  const options = { out, announce: [], baseUrl: null, known: [], now };
  const { batches, deltas } = await publishBatch(pending, options);
  expect(batches.map(({ name }) => name)).toEqual(['2026-01-02t030405z', '2026-01-02t030405z-2']);
  const files = await Promise.all(
    batches.map(async ({ name }) =>
      parseTorrent(await readFile(join(out, batchTorrentPath(name)))),
    ),
  );
  const listed = files.map((info) => info.files.map(({ path }) => path.replace('.delta', '')));
  expect(listed).toEqual([names.slice(0, 1000), names.slice(1000)]);
  expect(deltas).toHaveLength(1100);
  const last = join(out, deltaPath(batches[1]?.name ?? '', 'p1099.delta'));
  expect(await readFile(last, 'utf8')).toBe('p1099');
});
