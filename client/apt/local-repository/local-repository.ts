import { rm, stat } from 'node:fs/promises';

import type { FileIdentity } from '../../../shared/delta/delta.js';
import { exists, removeStaleTemporaries } from '../../../shared/io/files.js';
import { refuseWhileDpkgWorks } from '../apt-locks.js';
import type { AptSystem } from '../apt-system.js';
import { refuseWhileAptIsBusy } from '../hand-over.js';
import { installedVersions } from '../installed-versions.js';
import type { PackageOrigin } from '../package-origins.js';
import { pendingUpgrades, type PendingPackage, type UpgradeRequest } from '../pending-upgrades.js';
import { switchOff, switchOn } from './apt-sources.js';
import { isPending, readListed, writeListed, type ListedPackage } from './listed-package.js';
import { localSigningKey } from './local-key.js';
import { makeReadableFolder, placesOf } from './places.js';
import { debPaths, removeUnlisted, writeRepository } from './write-repository.js';

/** An expanded .deb that is verified, and what it stands for. */
export interface ExpandedDeb {
  readonly pending: PendingPackage;
  /** Never empty. */
  readonly origins: readonly PackageOrigin[];
  readonly expanded: FileIdentity;
  /** Still there afterwards. */
  readonly path: string;
}

/**
 * Lists expanded .debs for apt, beside those that still wait from earlier runs, and lets apt itself
 * say what it would install for `request`: whatever it would not take from here (because of a pin,
 * or another source) is not listed. Returns the names (of apt's cache) of the others. Fails with
 * `apt-busy` while packages are being installed, `apt-failed` when apt cannot be made to read our
 * sources first; after any failure apt is as without us.
 */
export async function listForApt(
  system: AptSystem,
  debs: readonly ExpandedDeb[],
  request: UpgradeRequest,
  now: Date,
): Promise<ReadonlySet<string>> {
  const places = placesOf(system);
  await refuseWhileAptWorks(system);
  try {
    for (const folder of [places.state, places.repository]) await makeReadableFolder(folder);
    await removeStaleTemporaries(places.state, { recursive: true });
    const added = debs.map(describe);
    const names = new Set(added.map(nameOf));
    const kept = (await stillPending(system)).filter((listed) => !names.has(nameOf(listed)));
    const newDebs = new Map(debs.map(({ expanded, path }) => [expanded.sha256, path]));
    const list = async (packages: readonly ListedPackage[]): Promise<void> => {
      if (packages.length === 0) {
        await removeAll(system);
        return;
      }
      const privateKey = await localSigningKey(places, now);
      await writeListed(places.listed, packages);
      const sources = await writeRepository(packages, { places, privateKey, now, newDebs });
      await switchOn(system, sources);
      await removeUnlisted(places, packages);
    };
    await list([...kept, ...added]);
    const offered = await pendingUpgrades(system, request);
    const taken = added.filter((listed) => offered.some((one) => isFromHere(system, one, listed)));
    if (taken.length < added.length) await list([...kept, ...taken]);
    return new Set(taken.map(({ archiveName }) => archiveName));
  } catch (error) {
    await removeAll(system);
    throw error;
  }
}

/**
 * Where apt's answer names our own .debs, what they stand for: the archive's .deb and where it is.
 * `listed` are the names (of apt's cache) of those that apt will take from here.
 */
export async function recogniseListed(
  system: AptSystem,
  pending: readonly PendingPackage[],
): Promise<{ pending: readonly PendingPackage[]; listed: ReadonlySet<string> }> {
  const known = await readListed(placesOf(system).listed);
  const found = new Set<string>();
  const translated = pending.map((one) => {
    const listed = known.find((candidate) => isFromHere(system, one, candidate));
    if (listed === undefined) return one;
    found.add(one.archiveName);
    return { ...one, ...listed.original };
  });
  return { pending: translated, listed: found };
}

function isFromHere(system: AptSystem, offered: PendingPackage, listed: ListedPackage): boolean {
  const base = `file:${placesOf(system).repository}/`;
  return (
    offered.archiveName === listed.archiveName &&
    offered.sha256 === listed.expanded.sha256 &&
    offered.uris.some((uri) => uri.startsWith(base))
  );
}

/**
 * Takes away what is listed, when nothing of it is pending any more, or else does nothing: after an
 * upgrade. Returns how many packages still wait.
 */
export async function removeWhenInstalled(system: AptSystem): Promise<number> {
  if (!(await exists(placesOf(system).repository))) return 0;
  const waiting = (await stillPending(system)).length;
  if (waiting === 0) await removeAll(system);
  return waiting;
}

/** Whether there is anything of ours in the apt of the system at `root`. */
export function hasLocalRepository(root: string): Promise<boolean> {
  return exists(placesOf({ root }).repository);
}

/** Takes everything away; `apt-busy` while packages are being installed, which may need it. */
export async function removeLocalRepository(system: AptSystem): Promise<void> {
  if (!(await exists(placesOf(system).repository))) return;
  await refuseWhileAptWorks(system);
  await removeAll(system);
}

/** First apt forgets the .debs, then they go: it must never look for one that is not there. */
async function removeAll(system: AptSystem): Promise<void> {
  const { state, repository } = placesOf(system);
  await switchOff(system);
  await rm(repository, { recursive: true, force: true });
  // What a killed run was writing, its key too. Nobody else writes here: there is one run at a time.
  if (await exists(state)) await removeStaleTemporaries(state, { recursive: true });
}

async function refuseWhileAptWorks(system: AptSystem): Promise<void> {
  await refuseWhileAptIsBusy(system);
  await refuseWhileDpkgWorks(system.root);
}

/** The listed packages that dpkg has an older version of, and whose .deb is there. */
async function stillPending(system: AptSystem): Promise<ListedPackage[]> {
  const places = placesOf(system);
  const listed = await readListed(places.listed);
  const names = new Set(listed.map((one) => one.package));
  const installed = await installedVersions(system.root, names);
  const waiting = listed.filter((one) => isPending(one, installed.get(nameOf(one)) ?? null));
  const whole = await Promise.all(
    waiting.map(async (one) => {
      const sizes = debPaths(places, one).map((path) => stat(path).then(({ size }) => size));
      const found = await Promise.all(sizes).catch(() => []);
      return found.length > 0 && found.every((size) => size === one.expanded.size);
    }),
  );
  return waiting.filter((_, number) => whole[number]);
}

function nameOf({ package: name, architecture }: ListedPackage): string {
  return `${name}:${architecture}`;
}

function describe({ pending, origins, expanded }: ExpandedDeb): ListedPackage {
  const { package: name, architecture, version, archiveName, uris, size, sha256 } = pending;
  return {
    package: name,
    architecture,
    version,
    archiveName,
    original: { uris: [...uris], size, sha256 },
    expanded: { size: expanded.size, sha256: expanded.sha256 },
    origins: origins.map(({ target, stanza, release }) => ({
      repositoryUri: target.repositoryUri,
      release: target.release,
      component: target.component,
      architecture: target.architecture,
      identity: release,
      stanza: stanza.fields.map(({ name: field, value }) => [field, value]),
    })),
  };
}
