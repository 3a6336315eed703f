import { compareVersions } from '../../shared/deb/version.js';
import { groupBy } from '../../shared/group-by.js';
import type { Batch, DeltasIndex, IndexedPackage } from '../../shared/index/deltas-index.js';
import type { GeneratorState, MadeDelta } from '../state/state.js';
import type { ArchiveIndex, ArchivePackage, ArchiveSuite } from './scan-archive.js';

/** The `Deltas` indexes of a suite, from the state and what the archive has now. Pure. */
export function buildIndexes(
  suite: ArchiveSuite,
  state: GeneratorState,
  announce: readonly string[],
): DeltasIndex[] {
  const deltas = groupBy(state.deltas, ({ newSha256 }) => newSha256);
  const torrents = new Map(state.debTorrents.map((torrent) => [torrent.sha256, torrent.infoHash]));
  return suite.indexes.map((index) => ({
    ...buildIndex(index, state, deltas, torrents),
    announce,
  }));
}

function buildIndex(
  index: ArchiveIndex,
  state: GeneratorState,
  deltas: ReadonlyMap<string, readonly MadeDelta[]>,
  torrents: ReadonlyMap<string, string>,
): Omit<DeltasIndex, 'announce'> {
  const { suite, component, architecture } = index;
  const useful = [...new Map(index.packages.map((entry) => [nameOf(entry), entry])).values()]
    .filter(({ sha256 }) => deltas.has(sha256) || torrents.has(sha256))
    .filter((entry) => entry.architecture === architecture || entry.architecture === 'all')
    .sort(byNameAndVersion);
  const used = new Set(useful.flatMap(({ sha256 }) => batchesOf(deltas.get(sha256))));
  const batches: Batch[] = state.batches.filter(({ name }) => used.has(name));
  const numbers = new Map(batches.map(({ name }, number) => [name, number]));
  const packages = useful.map((entry): IndexedPackage => {
    const found = deltas.get(entry.sha256) ?? [];
    return {
      ...entry,
      infoHash: torrents.get(entry.sha256) ?? null,
      // Of the .deb that all of them rebuild.
      expanded: found[0]?.expanded ?? null,
      encoderMiB: found[0]?.encoderMiB ?? null,
      deltas: newestOfEachVersion(found).map((delta) => ({
        oldPackage: delta.oldPackage,
        oldVersion: delta.oldVersion,
        size: delta.size,
        sha256: delta.sha256,
        memoryMiB: delta.memoryMiB,
        batch: numbers.get(delta.batch) ?? 0,
        work: delta.work,
      })),
    };
  });
  return { suite, component, architecture, batches, packages };
}

function batchesOf(deltas: readonly MadeDelta[] | undefined): string[] {
  return (deltas ?? []).map((delta) => delta.batch);
}

/** A version that was rebuilt under the same number has two files; the last one seen counts. */
function newestOfEachVersion(deltas: readonly MadeDelta[]): MadeDelta[] {
  const old = ({ oldPackage, oldVersion }: MadeDelta): string => `${oldPackage} ${oldVersion}`;
  return [...new Map(deltas.map((delta) => [old(delta), delta])).values()];
}

/** An archive that lists a version twice means the last one: apt takes either. */
function nameOf({ package: name, architecture, version }: ArchivePackage): string {
  return `${name} ${architecture} ${version}`;
}

function byNameAndVersion(a: ArchivePackage, b: ArchivePackage): number {
  const names = [`${a.package} ${a.architecture}`, `${b.package} ${b.architecture}`] as const;
  if (names[0] !== names[1]) return names[0] < names[1] ? -1 : 1;
  return compareVersions(a.version, b.version);
}
