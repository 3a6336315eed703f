import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { expect, test } from 'vitest';

import type { AptSystem } from '../../../client/apt/apt-system.js';
import { SOURCES_FOLDER } from '../../../client/config/index-sources.js';
import { checkIndexes } from '../../../client/doctor/check-indexes.js';
import { findingsOf } from '../../../client/doctor/finding.js';
import { createHttpClient } from '../../../client/download/http.js';
import { closing, temporaryFolder } from '../../support/cleanup.js';
import { startHttpServer } from '../../support/http-server.js';
import { NOW } from '../../support/sample-index.js';
import { makeTestKey } from '../../support/signing.js';

/** What is advised about a source whose server answers everything so. */
async function adviceAbout(status: number, body: string): Promise<string | null | undefined> {
  const root = await temporaryFolder();
  const { url } = closing(
    await startHttpServer((_, response) => response.writeHead(status).end(body)),
  );
  await mkdir(join(root, SOURCES_FOLDER), { recursive: true });
  await writeFile(join(root, 'key.asc'), (await makeTestKey('lab')).publicKey);
  const source = `URIs: ${url}\nSuites: lab\nComponents: main\nSigned-By: /key.asc\n`;
  await writeFile(join(root, SOURCES_FOLDER, 'a.sources'), source);
  const system = { root, architecture: 'amd64', run: () => Promise.resolve('') };
  const http = closing(createHttpClient());
  const { signal } = new AbortController();
  const found = findingsOf('index');
  await checkIndexes({ system: system as unknown as AptSystem, http, now: NOW, signal }, found);
  return found.all.find(({ level }) => level === 'problem')?.advice;
}

test('a source that is not there is a matter of network and address', async () => {
  expect(await adviceAbout(500, '')).toMatch(/network.*address/);
});

test('a source that is signed by nobody is one of its publisher', async () => {
  expect(await adviceAbout(200, 'no Release')).toContain('whoever publishes');
});
