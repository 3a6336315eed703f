import { isDebshoalError } from '../../shared/errors.js';
import type { TrustedIndex } from '../../shared/index/trusted-index.js';
import type { ReportProgress } from '../../shared/progress.js';
import { aptProxy } from '../apt/apt-proxies.js';
import type { AptSystem } from '../apt/apt-system.js';
import { readIndexSources, type IndexLocation, type IndexSource } from '../config/index-sources.js';
import { createHttpClient } from '../download/http.js';
import { fetchIndexes, type LoadedIndex } from '../steps/fetch-indexes.js';
import type { SpeedStore } from '../store/speeds.js';
import { openTrustedCounters } from '../store/trusted-counters.js';

export interface SourceIndexesOptions {
  readonly system: AptSystem;
  readonly stateFolder: string;
  readonly speeds: SpeedStore;
  readonly signal: AbortSignal;
  readonly report: ReportProgress;
}

/**
 * Returns what fetches the indexes of the configured sources, as they are configured at that moment.
 * What was loaded of a source that cannot be reached stays: it knows older versions, and apt says
 * which one it wants.
 */
export async function openSourceIndexes(
  options: SourceIndexesOptions,
): Promise<() => Promise<readonly LoadedIndex[]>> {
  const { system, stateFolder, speeds, signal, report } = options;
  const { root, architecture } = system;
  const counters = await openTrustedCounters(stateFolder, 'read-write');
  let last: readonly LoadedIndex[] = [];
  const remembered = new Map<string, TrustedIndex>();
  return async () => {
    const sources = await readSources(root, report);
    const http = createHttpClient({ findProxy: aptProxy(system) });
    try {
      const now = new Date();
      const context = { http, counters, speeds, architecture, now, remembered, signal, report };
      const loaded = await fetchIndexes(sources, context);
      const have = new Set(loaded.map(({ source }) => nameOf(source)));
      const wanted = new Set(sources.map(nameOf));
      const kept = last.filter(
        ({ source }) => wanted.has(nameOf(source)) && !have.has(nameOf(source)),
      );
      last = [...loaded, ...kept];
      // Those of yesterday are large, and will not come again.
      for (const [name, index] of remembered) {
        if (!last.some((one) => one.index === index)) remembered.delete(name);
      }
      return last;
    } catch (error) {
      if (!signal.aborted) throw error;
      return last;
    } finally {
      http.close();
    }
  };
}

function nameOf({ uri, suite }: IndexLocation): string {
  return `${uri} ${suite}`;
}

async function readSources(root: string, report: ReportProgress): Promise<IndexSource[]> {
  try {
    return await readIndexSources(root);
  } catch (error) {
    if (!isDebshoalError(error)) throw error;
    report({ kind: 'warning', text: `${error.message} [${error.code}]` });
    return [];
  }
}
