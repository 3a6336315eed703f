import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach } from 'vitest';

type Closable = { close: () => Promise<void> } | { close: () => void };

const closers: (() => unknown)[] = [];

afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

/** Closes `resource` after the test, the last one opened first. */
export function closing<T extends Closable>(resource: T): T {
  closers.push(() => resource.close());
  return resource;
}

/** A temporary folder that is removed after the test. */
export async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'debshoal-test-'));
  closers.push(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** Waits until `condition` holds; the test's own time limit ends it. */
export async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await new Promise((resolve) => setTimeout(resolve, 10));
}
