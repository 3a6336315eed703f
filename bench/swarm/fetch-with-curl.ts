import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { urlPath } from '../../shared/index/layout.js';
import { runTool } from '../../shared/io/run-tool.js';
import type { LabHost } from './lab-network.js';
import type { SetObject } from './upgrade-set.js';

/** Seconds that one curl takes on `host` to have all objects, over one connection. */
export async function fetchWithCurl(
  host: LabHost,
  site: string,
  objects: readonly SetObject[],
  { folder, signal }: { readonly folder: string; readonly signal: AbortSignal },
): Promise<number> {
  await mkdir(folder);
  const list = objects.map(
    ({ id, path }) => `url = "${site}/${urlPath(path)}"\noutput = "${join(folder, id)}"\n`,
  );
  const config = join(folder, 'curl.conf');
  await writeFile(config, list.join(''));
  const [program, ...args] = [...host.prefix, 'curl', '-sS', '--fail', '-K', config];
  const startedAt = performance.now();
  await runTool(program, args, { maxOutput: 0, signal });
  return (performance.now() - startedAt) / 1000;
}
