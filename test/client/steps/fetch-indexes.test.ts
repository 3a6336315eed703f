import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { expect, test } from 'vitest';

import { createHttpClient } from '../../../client/download/http.js';
import { fetchIndexes } from '../../../client/steps/fetch-indexes.js';
import { openSpeedStore } from '../../../client/store/speeds.js';
import { openTrustedCounters } from '../../../client/store/trusted-counters.js';
import { closing, temporaryFolder } from '../../support/cleanup.js';
import { startHttpServer } from '../../support/http-server.js';
import { NOW } from '../../support/sample-index.js';
import { makeTestKey } from '../../support/signing.js';

test('a source that takes for ever is left out', async () => {
  const folder = await temporaryFolder();
  const signedBy = join(folder, 'key.asc');
  await writeFile(signedBy, (await makeTestKey('lab')).publicKey);
  const server = await startHttpServer((_, response) => {
    // Faster than what counts as dead.
    const timer = setInterval(() => response.write('x'.repeat(100)), 100);
    response.on('close', () => {
      clearInterval(timer);
    });
  });
  const { url: uri } = closing(server);
  const source = { uri, suite: 'lab', components: ['main'], architectures: [], signedBy };
  const warnings: string[] = [];
  const loaded = await fetchIndexes([{ ...source, allowsExpanded: false }], {
    http: closing(createHttpClient()),
    counters: await openTrustedCounters(folder, 'read-only'),
    speeds: await openSpeedStore(folder, 'read-only'),
    architecture: 'amd64',
    now: NOW,
    patienceMilliseconds: 1000,
    signal: new AbortController().signal,
    report: (progress) => {
      if (progress.kind === 'warning') warnings.push(progress.text);
    },
  });
  expect(loaded).toEqual([]);
  expect(warnings).toEqual([expect.stringContaining('it took too long')]);
});
