import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { describe, expect, it } from 'vitest';

import { listPairs } from '../../bench/pair-list.js';
import { temporaryFolder } from '../support/cleanup.js';
import { errorCode } from '../support/error-code.js';

describe('pairs', () => {
  it('are the folders of a folder, by name', async () => {
    const folder = await temporaryFolder();
    for (const name of ['b', 'a']) await mkdir(join(folder, name));
    await writeFile(join(folder, 'README'), '');
    expect(await listPairs(folder)).toEqual(
      ['a', 'b'].map((name) => ({
        name,
        oldDeb: join(folder, name, 'old.deb'),
        newDeb: join(folder, name, 'new.deb'),
      })),
    );
  });

  it('are the lines of a list, with paths from where the list is', async () => {
    const folder = await temporaryFolder();
    const list = join(folder, 'list.tsv');
    await writeFile(list, 'git\tdebs/git_1.deb\t/srv/git_2.deb\n\n');
    expect(await listPairs(list)).toEqual([
      { name: 'git', oldDeb: join(folder, 'debs/git_1.deb'), newDeb: '/srv/git_2.deb' },
    ]);
  });

  it.each(['git\told.deb\n', 'git\ta\tb\tc\n', '\ta\tb\n', 'git old new\n'])(
    'are not what %j says',
    async (line) => {
      const list = join(await temporaryFolder(), 'list.tsv');
      await writeFile(list, line);
      expect(await errorCode(listPairs(list))).toBe('config-invalid');
    },
  );
});
