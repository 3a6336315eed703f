import { EventEmitter } from 'node:events';

import { expect, test } from 'vitest';

import { limitWires } from '../../../shared/swarm/wire-limits.js';

test('what comes is counted, and the speed shown is capped', async () => {
  let counted = 0;
  const wire: { downloadSpeed: (bytes?: number) => number } = Object.assign(new EventEmitter(), {
    downloadSpeed: (bytes = 0) => (counted += bytes),
    _parse: () => undefined,
  });
  limitWires()(wire);
  wire.downloadSpeed(1000);
  wire.downloadSpeed(500);
  await expect.poll(() => wire.downloadSpeed(), { timeout: 10_000 }).toBe(1500);
  wire.downloadSpeed(1e9);
  await expect.poll(() => wire.downloadSpeed(), { timeout: 10_000 }).toBeGreaterThan(1500);
  expect(wire.downloadSpeed()).toBeLessThan(500 * 16 * 1024);
});
