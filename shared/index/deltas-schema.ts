import { z } from 'zod';

import { isArchitecture, isPackageName } from '../deb/control.js';
import { seriesOf } from '../deb/series.js';
import { compareVersions, isVersion } from '../deb/version.js';
import { DebshoalError } from '../errors.js';
import { SHA256_PATTERN } from '../io/hash.js';
import { LIMITS } from '../limits.js';
import type { DeltasIndex, IndexedPackage } from './deltas-index.js';
import {
  deltaFileName,
  isBatchName,
  isComponent,
  isInfoHash,
  isSafePath,
  isSuite,
} from './layout.js';

const MIB = 1024 * 1024;

const sha256 = z.string().regex(SHA256_PATTERN);
const infoHash = z.string().refine(isInfoHash, 'not an info hash');
const architecture = z.string().refine(isArchitecture, 'not an architecture');
const version = z.string().refine(isVersion, 'not a version');

const memoryMiB = z
  .int()
  .min(0)
  .max(LIMITS.applyMemoryBytes / MIB);

/** A week: whoever claims more only makes his delta look bad. */
const milliseconds = z.int().min(0).max(604_800_000);

const delta = z.strictObject({
  oldPackage: z.string().refine(isPackageName, 'not a package name'),
  oldVersion: version,
  size: z.int().min(1).max(LIMITS.deltaBytes),
  sha256,
  memoryMiB,
  batch: z.int().min(0),
  work: z.strictObject({ decode: milliseconds, compress: milliseconds }),
});

const indexedPackage = z.strictObject({
  package: z.string().refine(isPackageName, 'not a package name'),
  architecture,
  version,
  size: z.int().min(1).max(LIMITS.debBytes),
  sha256,
  infoHash: infoHash.nullable(),
  filename: z.string().refine(isSafePath, 'not a safe path').nullable(),
  expanded: z
    .strictObject({ size: z.int().min(1).max(LIMITS.expandedDebBytes), sha256 })
    .nullable(),
  encoderMiB: memoryMiB.nullable(),
  deltas: z.array(delta),
});

/** More than one or two is unusual; each costs every client a connection. */
const MAX_TRACKERS = 16;

function isTrackerUrl(text: string): boolean {
  const isUrl = /^[!-~]{1,512}$/.test(text) && URL.canParse(text);
  return isUrl && ['http:', 'https:', 'udp:'].includes(new URL(text).protocol);
}

const deltasIndex = z.strictObject({
  suite: z.string().refine(isSuite, 'not a suite'),
  component: z.string().refine(isComponent, 'not a component'),
  architecture,
  announce: z.array(z.string().refine(isTrackerUrl, 'not the URL of a tracker')).max(MAX_TRACKERS),
  batches: z.array(
    z.strictObject({ name: z.string().refine(isBatchName, 'not a batch name'), infoHash }),
  ),
  packages: z.array(indexedPackage),
});

/** Checks every field and how they belong together; `index-malformed` names the first mistake. */
export function checkDeltasIndex(index: DeltasIndex): void {
  const result = deltasIndex.safeParse(index);
  const issue = result.error?.issues[0];
  if (issue !== undefined) fail(issue.path.join('.'), issue.message);
  refuseTwins(
    'batch',
    index.batches.map((batch) => batch.name),
  );
  refuseTwins(
    'package',
    index.packages.map((entry) => `${entry.package} ${entry.version} ${entry.architecture}`),
  );
  for (const entry of index.packages) checkPackage(index, entry);
}

function checkPackage(index: DeltasIndex, entry: IndexedPackage): void {
  const name = `${entry.package} ${entry.version}`;
  if (entry.architecture !== index.architecture && entry.architecture !== 'all') {
    fail(name, `is for ${entry.architecture} in an index of ${index.architecture}`);
  }
  refuseTwins(
    `${name}: delta`,
    entry.deltas.map(({ oldPackage, oldVersion }) => `${oldPackage} ${oldVersion}`),
  );
  if (entry.deltas.length > 0 && entry.expanded === null) {
    fail(name, 'has deltas, but not what they rebuild');
  }
  for (const { oldPackage, oldVersion, batch, memoryMiB } of entry.deltas) {
    if (seriesOf(oldPackage) !== seriesOf(entry.package)) {
      fail(name, `${oldPackage} is a package of another series`);
    }
    if (memoryMiB < (entry.encoderMiB ?? 0)) fail(name, 'an encoder of more memory than its delta');
    if (batch >= index.batches.length) fail(name, `no batch ${batch}`);
    if (compareVersions(oldVersion, entry.version) >= 0) {
      fail(name, `${oldVersion} is not an older version`);
    }
    // Also refuses a name that is too long for a file.
    deltaFileName(entry.package, oldVersion, entry.version, entry.architecture);
  }
}

function refuseTwins(what: string, names: readonly string[]): void {
  const seen = new Set<string>();
  for (const name of names) {
    if (seen.has(name)) fail(what, `${name} occurs twice`);
    seen.add(name);
  }
}

function fail(where: string, reason: string): never {
  throw new DebshoalError('index-malformed', `${where}: ${reason}`);
}
