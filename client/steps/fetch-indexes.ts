import { DebshoalError, isDebshoalError } from '../../shared/errors.js';
import { releasePath, suiteFolder, urlPath } from '../../shared/index/layout.js';
import {
  findListedIndex,
  openTrustedIndex,
  openTrustedRelease,
  type IndexTarget,
  type TrustedIndex,
  type TrustedRelease,
} from '../../shared/index/trusted-index.js';
import { LIMITS } from '../../shared/limits.js';
import type { ReportProgress } from '../../shared/progress.js';
import type { IndexLocation, IndexSource } from '../config/index-sources.js';
import { readTrustedKey } from '../config/trusted-key.js';
import { getBounded, type HttpClient } from '../download/http.js';
import type { SpeedStore } from '../store/speeds.js';
import type { TrustedCounters } from '../store/trusted-counters.js';

/** An index that was verified, and where its objects are. */
export interface LoadedIndex {
  readonly source: IndexLocation;
  readonly index: TrustedIndex;
  /**
   * `archive`: apt verified it under the Release that lists the packages of the same archive, so its
   * hashes are as good as those in Packages. `third-party`: anybody else's, who may waste time and
   * bytes, but whose word alone installs nothing.
   */
  readonly trust: 'archive' | 'third-party';
  /** The user trusts this third party like an archive. */
  readonly allowsExpanded: boolean;
}

export interface FetchIndexesOptions {
  readonly http: HttpClient;
  readonly counters: TrustedCounters;
  /** Told how fast the indexes came: often the first that is known of the link. */
  readonly speeds: SpeedStore;
  /** The system's own architecture, for sources that name none. */
  readonly architecture: string;
  readonly now: Date;
  /** Indexes of earlier calls, which are not fetched again as long as their Release lists them. */
  readonly remembered?: Map<string, TrustedIndex>;
  /** Milliseconds for one source; default 10 minutes. */
  readonly patienceMilliseconds?: number;
  readonly signal: AbortSignal;
  readonly report: ReportProgress;
}

/**
 * Fetches and verifies the indexes of all sources. A source that cannot be reached or trusted is
 * reported and left out: its packages come whole from the mirror, as without us.
 */
export async function fetchIndexes(
  sources: readonly IndexSource[],
  options: FetchIndexesOptions,
): Promise<LoadedIndex[]> {
  const loaded = await Promise.all(
    sources.map(async (source) => {
      try {
        return await inTime(options, (signal) => fetchSource(source, { ...options, signal }));
      } catch (error) {
        if (!isDebshoalError(error) || options.signal.aborted) throw error;
        const text = `no deltas from ${source.uri} ${source.suite}: ${error.message} [${error.code}]`;
        options.report({ kind: 'warning', text });
        return [];
      }
    }),
  );
  await options.counters.save();
  return loaded.flat();
}

/** The largest index over a modem; a server that takes longer must not hold up the others for ever. */
const PATIENCE = 10 * 60_000;

async function inTime<T>(
  { signal, patienceMilliseconds = PATIENCE }: FetchIndexesOptions,
  fetch: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const late = new AbortController();
  const timer = setTimeout(() => {
    late.abort();
  }, patienceMilliseconds);
  try {
    return await fetch(AbortSignal.any([signal, late.signal]));
  } catch (error) {
    if (!late.signal.aborted || signal.aborted) throw error;
    throw new DebshoalError('http-failed', 'it took too long', { cause: error });
  } finally {
    clearTimeout(timer);
  }
}

async function fetchSource(
  source: IndexSource,
  options: FetchIndexesOptions,
): Promise<LoadedIndex[]> {
  const { http, counters, now, signal } = options;
  const { uri, suite } = source;
  const keys = await readTrustedKey(source.signedBy);
  const url = `${uri}/${urlPath(releasePath(suite))}`;
  const bytes = await getBounded(http, url, LIMITS.releaseBytes, signal);
  if (bytes === null) throw new DebshoalError('http-failed', `${url} is not there`);
  const lastCounter = counters.get(uri, suite);
  const release = await openTrustedRelease({ bytes, keys, suite, now, lastCounter });
  const architectures =
    source.architectures.length > 0 ? source.architectures : [options.architecture];
  const loaded: LoadedIndex[] = [];
  for (const component of source.components) {
    for (const architecture of architectures) {
      const index = await fetchIndex(source, release, { component, architecture }, options);
      if (index === null) continue;
      const { allowsExpanded } = source;
      loaded.push({ source, index, trust: 'third-party', allowsExpanded });
    }
  }
  // Only now: a counter without its indexes would refuse the Release that goes with them.
  counters.set(uri, suite, release.counter);
  return loaded;
}

async function fetchIndex(
  source: IndexSource,
  release: TrustedRelease,
  target: IndexTarget,
  { http, speeds, remembered, signal, report }: FetchIndexesOptions,
): Promise<TrustedIndex | null> {
  const listed = findListedIndex(release, target);
  if (listed === null) {
    const text = `${source.uri} ${source.suite} has no deltas for ${target.component} ${target.architecture}`;
    report({ kind: 'note', text });
    return null;
  }
  const base = `${source.uri}/${urlPath(suiteFolder(source.suite))}`;
  const name = `${base}/${listed.path} ${listed.sha256}`;
  const known = remembered?.get(name);
  if (known !== undefined) return known;
  for (const path of [listed.byHashPath, listed.path]) {
    const started = performance.now();
    const bytes = await getBounded(http, `${base}/${urlPath(path)}`, listed.size, signal);
    speeds.observeLink(bytes?.length ?? 0, (performance.now() - started) / 1000);
    if (bytes === null) continue;
    const index = await openTrustedIndex(release, target, bytes);
    remembered?.set(name, index);
    return index;
  }
  throw new DebshoalError('http-failed', `${base}/${listed.path} is not there`);
}
