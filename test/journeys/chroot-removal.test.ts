import { mkdir, mkdtemp, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';

import { runTool } from '../../shared/io/run-tool.js';
import { removeTree } from '../support/chroot.js';
import { withTemporaryFolder } from '../../shared/io/files.js';
import { needs } from '../support/needs.js';

const describeHere = await needs('root', 'mount');

describeHere('removing a tree with mounts inside', () => {
  test('what is mounted there survives', () =>
    withTemporaryFolder(async (precious) => {
      await writeFile(join(precious, 'file'), 'precious');
      const tree = await mkdtemp(join(tmpdir(), '.debshoal-'));
      const [outer, inner] = [join(tree, 'a folder'), join(tree, 'a folder/mnt')];
      await mkdir(outer);
      await runTool('mount', ['-t', 'tmpfs', 'none', outer], { maxOutput: 0 });
      await mkdir(inner);
      await runTool('mount', ['--bind', precious, inner], { maxOutput: 0 });
      await removeTree(tree);
      await expect(stat(tree)).rejects.toMatchObject({ code: 'ENOENT' });
      expect((await stat(join(precious, 'file'))).size).toBe(8);
    }));
});
