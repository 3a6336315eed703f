import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

import { runTool } from '../../shared/io/run-tool.js';
import { needs } from '../support/needs.js';

const UNITS = fileURLToPath(new URL('../../packaging/systemd/', import.meta.url));
const describeHere = await needs('systemd-analyze');

describeHere('the units', () => {
  test.each([
    ['debshoal.service', 2.5],
    ['debshoal-reader@.service', 1],
  ])('%s keeps away what is not needed: exposure %f of 10 at most', async (name, most) => {
    // The exit status is 1 for more than the threshold, in tenths.
    const threshold = `--threshold=${10 * most}`;
    const { stdout } = await runTool(
      'systemd-analyze',
      ['security', '--offline=true', threshold, '--no-pager', join(UNITS, name)],
      { maxOutput: 1 << 20, acceptStatus: [0, 1] },
    );
    const [, exposure] = /Overall exposure level for \S+: ([0-9.]+)/.exec(stdout.toString()) ?? [];
    expect(Number(exposure)).toBeLessThanOrEqual(most);
  });
});
