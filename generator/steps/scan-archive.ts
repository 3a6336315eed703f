import { readdir } from 'node:fs/promises';
import { join } from 'node:path';

import { isArchitecture, isPackageName } from '../../shared/deb/control.js';
import { parseStanza, stanzas, type Stanza } from '../../shared/deb/deb822.js';
import { isVersion } from '../../shared/deb/version.js';
import { DebshoalError } from '../../shared/errors.js';
import { isComponent, isSafePath, isSuite } from '../../shared/index/layout.js';
import { hashRelease } from '../../shared/index/release.js';
import { readSignedText } from '../../shared/index/signature.js';
import { readIfPresent } from '../../shared/io/files.js';
import { decompressGzip } from '../../shared/io/gzip.js';
import { SHA256_PATTERN, type Sha256 } from '../../shared/io/hash.js';
import { decompressXz } from '../../shared/io/xz.js';
import { LIMITS } from '../../shared/limits.js';

/** A package as an archive lists it. */
export interface ArchivePackage {
  readonly package: string;
  readonly architecture: string;
  readonly version: string;
  /** Path below the archive. */
  readonly filename: string;
  readonly size: number;
  readonly sha256: Sha256;
}

/** One Packages file: a suite's component for one architecture. */
export interface ArchiveIndex {
  readonly suite: string;
  readonly component: string;
  readonly architecture: string;
  readonly packages: readonly ArchivePackage[];
}

export interface ArchiveSuite {
  readonly suite: string;
  readonly codename: string;
  readonly releaseSha256: Sha256;
  readonly indexes: readonly ArchiveIndex[];
}

/** What to read; empty lists mean everything. */
export interface Selection {
  readonly suites: readonly string[];
  readonly components: readonly string[];
  readonly architectures: readonly string[];
}

/**
 * Reads the indexes of the archive at `root` (dists/ and pool/, as reprepro, aptly and mirrors
 * leave it). `archive-malformed` with the file's name when it is none.
 */
export async function scanArchive(root: string, selection: Selection): Promise<ArchiveSuite[]> {
  const suites = selection.suites.length > 0 ? selection.suites : await findSuites(root);
  if (suites.length === 0) {
    throw new DebshoalError('archive-malformed', `${root} has no suite below dists/`, {
      hint: 'give the folder that contains dists/ and pool/',
    });
  }
  const scanned: ArchiveSuite[] = [];
  for (const suite of suites) scanned.push(await scanSuite(root, suite, selection));
  return scanned;
}

async function findSuites(root: string): Promise<string[]> {
  const found: string[] = [];
  for (const entry of await listFolder(join(root, 'dists'))) {
    // A symbolic link (stable → bookworm) would publish the same suite twice.
    if (!entry.isDirectory() || !isSuite(entry.name)) continue;
    const names = (await listFolder(join(root, 'dists', entry.name))).map((file) => file.name);
    if (names.includes('Release') || names.includes('InRelease')) found.push(entry.name);
  }
  return found.sort();
}

async function listFolder(path: string) {
  return readdir(path, { withFileTypes: true }).catch((cause: unknown) => {
    throw new DebshoalError('archive-malformed', `${path} cannot be read`, {
      cause,
      hint: 'give the folder that contains dists/ and pool/',
    });
  });
}

async function scanSuite(root: string, suite: string, selection: Selection): Promise<ArchiveSuite> {
  const folder = join(root, 'dists', suite);
  const text = await readRelease(folder);
  const release = parseStanza(text, {
    code: 'archive-malformed',
    maxStanzaBytes: LIMITS.releaseBytes,
  });
  const words = (name: string): string[] =>
    (release.get(name) ?? '').split(/\s+/).filter((word) => word !== '');
  // `updates/main` (old security archives) lies in the folder `main`.
  const components = words('Components')
    .map((name) => name.slice(name.lastIndexOf('/') + 1))
    .filter(isComponent);
  const architectures = words('Architectures').filter(isArchitecture);
  const indexes: ArchiveIndex[] = [];
  for (const component of selected(components, selection.components)) {
    for (const architecture of selected(architectures, selection.architectures)) {
      const packages = await readPackages(join(folder, component, `binary-${architecture}`));
      if (packages) indexes.push({ suite, component, architecture, packages });
    }
  }
  // A mirror that is half there must not look like an archive that has dropped everything.
  const isAll = selection.components.length === 0 && selection.architectures.length === 0;
  if (isAll && indexes.length === 0) {
    throw new DebshoalError('archive-malformed', `${folder} lists no Packages file that is there`);
  }
  const named = release.get('Codename') ?? '';
  const codename = isSuite(named) ? named : suite;
  return { suite, codename, releaseSha256: hashRelease(text), indexes };
}

/** What of the scanned suites is selected; `usage` for a name that none of them has. */
export function selectPart(suites: readonly ArchiveSuite[], only: Selection): ArchiveSuite[] {
  const indexes = suites.flatMap((suite) => suite.indexes);
  for (const [wanted, found] of [
    [only.suites, suites.map((suite) => suite.suite)],
    [only.components, indexes.map((index) => index.component)],
    [only.architectures, indexes.map((index) => index.architecture)],
  ] as const) {
    const unknown = wanted.find((name) => !found.includes(name));
    if (unknown === undefined) continue;
    throw new DebshoalError('usage', `nothing in the archive is called ${unknown}`, {
      hint: `there is ${[...new Set(found)].join(', ')}; the configuration may leave out more`,
    });
  }
  return suites
    .filter(({ suite }) => selected([suite], only.suites).length > 0)
    .map((suite) => ({
      ...suite,
      indexes: suite.indexes.filter(
        ({ component, architecture }) =>
          selected([component], only.components).length > 0 &&
          selected([architecture], only.architectures).length > 0,
      ),
    }));
}

function selected(found: readonly string[], wanted: readonly string[]): readonly string[] {
  return wanted.length === 0 ? found : found.filter((name) => wanted.includes(name));
}

/** The archive is ours: its signature is for others to check, only the text matters here. */
async function readRelease(folder: string): Promise<string> {
  const release = await readIfPresent(join(folder, 'Release'), LIMITS.releaseBytes);
  if (release) return release.toString('utf8');
  const inRelease = await readIfPresent(join(folder, 'InRelease'), LIMITS.releaseBytes);
  if (inRelease) return readSignedText(inRelease);
  throw new DebshoalError('archive-malformed', `${folder} has no Release and no InRelease`);
}

async function readPackages(folder: string): Promise<ArchivePackage[] | null> {
  const max = LIMITS.packagesBytes;
  const plain = await readIfPresent(join(folder, 'Packages'), max);
  const xz = plain ? null : await readIfPresent(join(folder, 'Packages.xz'), max);
  const gz = plain || xz ? null : await readIfPresent(join(folder, 'Packages.gz'), max);
  const bytes =
    plain ?? (xz && (await decompressXz(xz, max))) ?? (gz && (await decompressGzip(gz, max)));
  if (!bytes) return null;
  const options = { code: 'archive-malformed', maxStanzaBytes: LIMITS.controlStanzaBytes } as const;
  return Array.from(stanzas(bytes, options), (stanza) => readPackage(stanza, folder));
}

function readPackage(stanza: Stanza, folder: string): ArchivePackage {
  const field = (name: string, isValid: (value: string) => boolean): string => {
    const value = stanza.get(name) ?? '';
    if (isValid(value)) return value;
    throw new DebshoalError(
      'archive-malformed',
      `${folder}: the stanza at line ${stanza.line} has no valid ${name}`,
    );
  };
  return {
    package: field('Package', isPackageName),
    architecture: field('Architecture', isArchitecture),
    version: field('Version', isVersion),
    filename: field('Filename', (path) => isSafePath(path.replace(/^\.\//, ''))).replace(
      /^\.\//,
      '',
    ),
    size: Number(field('Size', (text) => /^[0-9]{1,12}$/.test(text))),
    sha256: field('SHA256', (text) => SHA256_PATTERN.test(text)),
  };
}
