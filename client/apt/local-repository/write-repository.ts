import { chmod, readdir, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';

import { formatStanza } from '../../../shared/deb/deb822.js';
import { DebshoalError } from '../../../shared/errors.js';
import { groupBy } from '../../../shared/group-by.js';
import { byHashPath, releasePath, suiteFolder } from '../../../shared/index/layout.js';
import { signRelease } from '../../../shared/index/signature.js';
import { isMissing } from '../../../shared/io/errno.js';
import { writeFileAtomically } from '../../../shared/io/files.js';
import { sha256 } from '../../../shared/io/hash.js';
import { linkOrCopy } from '../../../shared/io/link-or-copy.js';
import { IDENTIFYING_FIELDS } from '../package-origins.js';
import { poolName, type ListedOrigin, type ListedPackage } from './listed-package.js';
import { makeReadableFolder, type Places } from './places.js';

export interface WriteOptions {
  readonly places: Places;
  /** Armored. */
  readonly privateKey: string;
  readonly now: Date;
  /** Expanded .debs that are not in a pool yet, by their SHA-256. */
  readonly newDebs: ReadonlyMap<string, string>;
}

interface Entry {
  readonly listed: ListedPackage;
  readonly origin: ListedOrigin;
}

/**
 * Writes one archive for each release that the packages come from, with that release's own name in
 * its Release. First the .debs, then indexes under their by-hash names, InRelease last: at any
 * moment apt finds an InRelease, its indexes and all that they list. Returns the deb822 sources.
 */
export async function writeRepository(
  packages: readonly ListedPackage[],
  options: WriteOptions,
): Promise<string> {
  const entries = packages.flatMap((listed) =>
    listed.origins.map((origin): Entry => ({ listed, origin })),
  );
  const sources: string[] = [];
  for (const [name, own] of groupBy(entries, ({ origin }) => archiveFolder(origin))) {
    await placeDebs(join(options.places.repository, name, 'pool'), own, options);
    sources.push(await writeArchive(join(options.places.repository, name), own, options));
  }
  return sources.join('\n');
}

/** Where the .deb of a listed package lies, once for each release that lists it. */
export function debPaths(places: Places, listed: ListedPackage): string[] {
  return listed.origins.map((origin) =>
    join(places.repository, archiveFolder(origin), 'pool', poolName(listed)),
  );
}

/** The same for the same release in every run: apt notices when a source changes its name. */
function archiveFolder({ repositoryUri, release }: ListedOrigin): string {
  return sha256(Buffer.from(`${repositoryUri} ${release}`)).slice(0, 16);
}

async function placeDebs(
  pool: string,
  entries: readonly Entry[],
  { newDebs }: WriteOptions,
): Promise<void> {
  await makeReadableFolder(dirname(pool));
  await makeReadableFolder(pool);
  for (const { listed } of entries) {
    const source = newDebs.get(listed.expanded.sha256);
    if (source === undefined) continue;
    await chmod(source, 0o644);
    // A link where possible: another release may list the same package.
    if (!(await linkOrCopy(source, join(pool, poolName(listed))))) {
      throw new DebshoalError('io-failed', `${source} is no longer there`);
    }
  }
}

async function writeArchive(
  folder: string,
  entries: readonly Entry[],
  { places, privateKey, now }: WriteOptions,
): Promise<string> {
  const [first] = entries;
  if (first === undefined) throw new Error('an archive of no packages');
  const { release, identity } = first.origin;
  const dists = join(folder, suiteFolder(release));
  const indexes = [...groupBy(entries, ({ origin }) => packagesPath(origin))].map(
    ([path, own]) => ({ path, bytes: Buffer.from(own.map(formatEntry).join('\n')) }),
  );
  const components = unique(entries.map(({ origin }) => origin.component));
  const architectures = unique(entries.map(({ origin }) => origin.architecture));
  const lines = indexes.map(({ path, bytes }) => `${sha256(bytes)} ${bytes.length} ${path}`);
  // No Valid-Until: once it were over, every `apt update` would fail, and it guards against nobody:
  // who can bring back an old file here is root.
  const text = formatStanza([
    ...IDENTIFYING_FIELDS.map((name) => [name, identity[name] ?? ''] as const).filter(
      ([, value]) => value !== '',
    ),
    ['Date', now.toUTCString().replace('GMT', 'UTC')],
    ['Components', components.join(' ')],
    ['Architectures', architectures.join(' ')],
    ['Acquire-By-Hash', 'yes'],
    ['SHA256', ['', ...lines].join('\n')],
  ]);
  for (const { path, bytes } of indexes) {
    const byHash = byHashPath(path, sha256(bytes));
    await makeFoldersTo(folder, join(suiteFolder(release), byHash));
    for (const name of [byHash, path]) await writeFileAtomically(join(dists, name), bytes);
  }
  const inRelease = await signRelease(text, privateKey, now);
  await writeFileAtomically(join(folder, releasePath(release)), inRelease);
  return formatStanza([
    ['Types', 'deb'],
    ['URIs', `file:${folder}`],
    ['Suites', release],
    ['Components', components.join(' ')],
    ['Architectures', architectures.join(' ')],
    ['Targets', 'Packages'],
    ['Signed-By', places.publicKey],
  ]);
}

function packagesPath({ component, architecture }: ListedOrigin): string {
  return `${component}/binary-${architecture}/Packages`;
}

/** What tells where the file is and what is in it; all else stays as the archive says it. */
const REPLACED = /^(?:filename|size|md5sum|sha\d+)$/i;

function formatEntry({ listed, origin }: Entry): string {
  return formatStanza([
    ...origin.stanza.filter(([name]) => !REPLACED.test(name)),
    ['Filename', `pool/${poolName(listed)}`],
    ['Size', String(listed.expanded.size)],
    ['SHA256', listed.expanded.sha256],
  ]);
}

/** The folders from `base` to the file `path`, each to be entered by apt's user. */
async function makeFoldersTo(base: string, path: string): Promise<void> {
  const names = dirname(path).split('/');
  for (const length of names.keys()) {
    await makeReadableFolder(join(base, ...names.slice(0, length + 1)));
  }
}

/** Removes what is not listed any more: whole archives, and .debs of those that stay. */
export async function removeUnlisted(
  places: Places,
  packages: readonly ListedPackage[],
): Promise<void> {
  const wanted = new Map<string, Set<string>>();
  for (const listed of packages) {
    for (const origin of listed.origins) {
      const name = archiveFolder(origin);
      wanted.set(name, (wanted.get(name) ?? new Set()).add(poolName(listed)));
    }
  }
  for (const name of await namesIn(places.repository)) {
    const folder = join(places.repository, name);
    if (folder === places.listed) continue;
    const debs = wanted.get(name);
    if (debs === undefined) {
      await rm(folder, { recursive: true, force: true });
      continue;
    }
    for (const deb of await namesIn(join(folder, 'pool'))) {
      if (!debs.has(deb)) await rm(join(folder, 'pool', deb), { force: true });
    }
  }
}

async function namesIn(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
}

function unique(values: readonly string[]): string[] {
  return [...new Set(values)];
}
