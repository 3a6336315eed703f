import type { Knowledge } from '../../client/service/knowledge.js';
import type { AcquireRequest } from '../../client/service/request.js';
import type { LoadedIndex } from '../../client/steps/fetch-indexes.js';
import type { IndexedPackage } from '../../shared/index/deltas-index.js';

/** A package with a delta from 1, which is installed, to 3; `digit` makes its hash. */
export function packageWithDelta(name: string, digit: string, size = 10_000_000): IndexedPackage {
  return {
    package: name,
    architecture: 'amd64',
    version: '3',
    size,
    sha256: digit.repeat(64),
    infoHash: null,
    filename: null,
    expanded: { size: 50, sha256: 'e'.repeat(64) },
    encoderMiB: 1,
    deltas: [
      {
        oldPackage: name,
        oldVersion: '1',
        size: 500,
        sha256: 'd'.repeat(63) + digit,
        memoryMiB: 2,
        batch: 0,
        // The first of them takes longest, and so goes first.
        work: { decode: 5, compress: 20 - parseInt(digit, 16) },
      },
    ],
  };
}

export interface KnownPackages {
  /** For the parts of the service that ask it. */
  readonly knowledge: Knowledge;
  readonly request: (of: IndexedPackage) => AcquireRequest;
}

/** An index of these packages at `uri`, and their old versions installed. */
export function knownPackages(
  packages: readonly IndexedPackage[],
  uri = 'http://127.0.0.1:9',
): KnownPackages {
  const index = { suite: 'lab', component: 'main', architecture: 'amd64', announce: [], packages };
  const batches = [{ name: 'b', infoHash: 'e'.repeat(40) }];
  const source = { uri, suite: 'lab' };
  const loaded = { source, trust: 'third-party' as const, allowsExpanded: false };
  const indexes = [{ ...loaded, index: { ...index, batches } as unknown as LoadedIndex['index'] }];
  const installed = new Map(packages.map((one) => [`${one.package}:amd64`, '1']));
  const hashes = new Set(packages.map(({ sha256 }) => sha256));
  const known = {
    indexes,
    installed,
    reachable: [...hashes],
    obstacle: ({ sha256 }: { sha256: string }) => (hashes.has(sha256) ? null : 'not in any index'),
  };
  return {
    knowledge: {
      get: () => Promise.resolve(known),
      refresh: () => Promise.resolve(),
      soon: null,
    },
    request: ({ package: name, version, sha256, size }) => ({
      kind: 'acquire',
      package: name,
      architecture: 'amd64',
      version,
      archiveName: `${name}_${version}_amd64.deb`,
      uri: `http://127.0.0.1:9/${name}.deb`,
      sha256,
      size,
      patienceSeconds: null,
    }),
  };
}
