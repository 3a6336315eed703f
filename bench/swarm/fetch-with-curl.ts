import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { urlPath } from '../../shared/index/layout.js';
import { runTool } from '../../shared/io/run-tool.js';
import type { LabHost } from './lab-network.js';
import type { SetObject } from './upgrade-set.js';

export interface CurlOptions {
  /** Made for the files. */
  readonly folder: string;
  /** Requests at a time, each over a connection of its own; default 1, as apt has it. */
  readonly parallel?: number;
  readonly signal: AbortSignal;
}

/** Seconds that one curl takes on `host` to have all objects; its connections are kept. */
export async function fetchWithCurl(
  host: LabHost,
  site: string,
  objects: readonly SetObject[],
  { folder, parallel = 1, signal }: CurlOptions,
): Promise<number> {
  await mkdir(folder);
  const list = objects.map(
    ({ id, path }) => `url = "${site}/${urlPath(path)}"\noutput = "${join(folder, id)}"\n`,
  );
  const config = join(folder, 'curl.conf');
  await writeFile(config, list.join(''));
  const how = parallel === 1 ? [] : ['--parallel', '--parallel-max', String(parallel)];
  const [program, ...args] = [...host.prefix, 'curl', '-sS', '--fail', ...how, '-K', config];
  const startedAt = performance.now();
  await runTool(program, args, { maxOutput: 0, signal });
  return (performance.now() - startedAt) / 1000;
}
