import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

import { runTool } from '../../shared/io/run-tool.js';
import { needs } from '../support/needs.js';

const UNIT = fileURLToPath(new URL('../../packaging/systemd/debshoal.service', import.meta.url));
const describeHere = await needs('systemd-analyze');

describeHere('the unit of the daemon', () => {
  test('keeps it away from what it does not need: exposure 2.5 of 10 at most', async () => {
    // The exit status is 1 for more than the threshold, in tenths.
    const { stdout } = await runTool(
      'systemd-analyze',
      ['security', '--offline=true', '--threshold=25', '--no-pager', UNIT],
      { maxOutput: 1 << 20, acceptStatus: [0, 1] },
    );
    const [, exposure] = /Overall exposure level for \S+: ([0-9.]+)/.exec(stdout.toString()) ?? [];
    expect(Number(exposure)).toBeLessThanOrEqual(2.5);
  });
});
