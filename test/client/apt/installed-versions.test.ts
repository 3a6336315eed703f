import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { expect, it } from 'vitest';

import { installedVersions } from '../../../client/apt/installed-versions.js';
import { temporaryFolder } from '../../support/cleanup.js';

const STATUS = `Package: linux-image-1-amd64
Status: install ok installed
Architecture: amd64
Version: 1.2-1

Package: linux-image-2-amd64
Status: deinstall ok config-files
Architecture: amd64
Version: 2.2-1

Package: other
Status: install ok installed
Architecture: all
Version: 3
`;

it('are those of the named packages that are wholly there', async () => {
  const root = await temporaryFolder();
  const named = new Set(['linux-image-1-amd64', 'linux-image-2-amd64']);
  expect(await installedVersions(root, named)).toEqual(new Map());
  await mkdir(join(root, 'var/lib/dpkg'), { recursive: true });
  await writeFile(join(root, 'var/lib/dpkg/status'), STATUS);
  expect(await installedVersions(root, named)).toEqual(
    new Map([['linux-image-1-amd64:amd64', '1.2-1']]),
  );
  expect(await installedVersions(root, new Set())).toEqual(new Map());
});
