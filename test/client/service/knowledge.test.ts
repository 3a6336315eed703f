import { afterEach, beforeEach, expect, test, vi } from 'vitest';

import type { AptSystem } from '../../../client/apt/apt-system.js';
import { openKnowledge } from '../../../client/service/knowledge.js';
import { temporaryFolder } from '../../support/cleanup.js';

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
});

afterEach(() => {
  vi.useRealTimers();
});

test('a refresh that hangs is waited for once, not by each asker anew', async () => {
  const system = {
    root: await temporaryFolder(),
    architecture: 'amd64',
    run: () => Promise.resolve(''),
  } as unknown as AptSystem;
  const fetchIndexes = (): Promise<never> => new Promise(() => undefined);
  const knowledge = openKnowledge({ system, fetchIndexes, report: () => undefined });
  expect(knowledge.soon).toBeNull();
  void knowledge.refresh();
  await vi.advanceTimersByTimeAsync(3000);
  const soon = knowledge.soon;
  expect(soon).not.toBeNull();
  await vi.advanceTimersByTimeAsync(2000);
  await soon;
  // Still under way, but nobody waits for it any more.
  void knowledge.refresh();
  expect(knowledge.soon).toBeNull();
});
