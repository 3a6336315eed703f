import { DebshoalError } from '../errors.js';
import { sha256, type Sha256 } from '../io/hash.js';
import { decompressXz } from '../io/xz.js';
import { LIMITS } from '../limits.js';
import { decodeDeltasIndex, type DeltasIndex } from './deltas-index.js';
import { byHashPath, indexPath } from './layout.js';
import { decodeRelease, type ListedFile, type Release } from './release.js';
import { CLOCK_SKEW, verifyInRelease, type TrustedKeys } from './signature.js';

/**
 * Bytes in, trusted object out, no I/O. Only this file can make the two trusted types, so whoever
 * holds one knows that every check below has passed. The checks run in the order in which they are
 * written, and all of them at one moment that the caller names; FORMAT.md lists what each defends.
 */
declare const trusted: unique symbol;

export interface TrustedRelease extends Release {
  readonly [trusted]: 'release';
}

export interface TrustedIndex extends DeltasIndex {
  readonly [trusted]: 'index';
}

export interface ReleaseInput {
  /** InRelease as it came in; fetch at most LIMITS.releaseBytes. */
  readonly bytes: Uint8Array;
  readonly keys: TrustedKeys;
  /** What the user configured, not what the publisher says. */
  readonly suite: string;
  readonly now: Date;
  /** The counter of the Release that this client trusted last for this source and suite. */
  readonly lastCounter: number | null;
}

export async function openTrustedRelease(input: ReleaseInput): Promise<TrustedRelease> {
  // 1. Endless data: nothing larger is even looked at.
  if (input.bytes.length > LIMITS.releaseBytes) {
    throw new DebshoalError('limit-exceeded', `InRelease of ${input.bytes.length} bytes`);
  }
  // 2. Forgery: only text that a trusted key signed is parsed at all.
  const release = decodeRelease(await verifyInRelease(input.bytes, input.keys, input.now));
  // 3. Another suite's Release, signed by the same key, in place of this one.
  if (release.suite !== input.suite) {
    throw new DebshoalError('index-mismatch', `for ${release.suite}, not for ${input.suite}`);
  }
  // 4. A Release from the future would outlive its time; or one of the clocks is wrong.
  if (release.date.getTime() > input.now.getTime() + CLOCK_SKEW) {
    throw new DebshoalError('index-expired', `dated ${release.date.toISOString()}, in the future`, {
      hint: 'Check the date and time of this machine.',
    });
  }
  // 5. Freeze: an old Release, served for ever, hides newer ones.
  if (release.validUntil <= input.now) {
    throw new DebshoalError('index-expired', `valid until ${release.validUntil.toISOString()}`, {
      hint: 'The publisher has to publish again; until then downloads are complete ones.',
    });
  }
  // 6. Rollback: an old Release that is still valid, after a newer one was seen.
  if (input.lastCounter !== null && release.counter < input.lastCounter) {
    throw new DebshoalError(
      'index-rollback',
      `counter ${release.counter} after ${input.lastCounter} was seen`,
    );
  }
  return release as TrustedRelease;
}

export interface IndexTarget {
  readonly component: string;
  readonly architecture: string;
  /** `plain` for the expanded file that apt keeps in its lists. */
  readonly form?: 'xz' | 'plain';
}

/** What to fetch: at most `size` bytes from `byHashPath`, or else from `path`. */
export interface ListedIndex {
  /** Relative to `dists/<suite>/`, as is the next. */
  readonly path: string;
  readonly byHashPath: string;
  readonly size: number;
  readonly sha256: Sha256;
}

/**
 * Where the Release lists an index, or null when it has none for this component and architecture.
 * Fails with `limit-exceeded` when the listed one is larger than any index may be.
 */
export function findListedIndex(release: TrustedRelease, target: IndexTarget): ListedIndex | null {
  const plain = indexPath(target.component, target.architecture);
  const listed =
    target.form === 'plain'
      ? findFile(release, plain, LIMITS.indexExpandedBytes)
      : findFile(release, `${plain}.xz`, LIMITS.indexBytes);
  return listed && { ...listed, byHashPath: byHashPath(listed.path, listed.sha256) };
}

export async function openTrustedIndex(
  release: TrustedRelease,
  target: IndexTarget,
  bytes: Uint8Array,
): Promise<TrustedIndex> {
  // 1. Only what this Release lists: an index of another state of the archive is not in it.
  const path = indexPath(target.component, target.architecture);
  const listed = findListedIndex(release, target);
  const expanded = findFile(release, path, LIMITS.indexExpandedBytes);
  if (listed === null || expanded === null) {
    throw new DebshoalError('index-mismatch', `${path} is not listed in Release`);
  }
  // 2. Damage and forgery, before one byte is interpreted: not even by the decompressor.
  checkBytes(listed, bytes);
  // 3. A bomb: the size of the expanded file is signed as well, and limited.
  const plain = target.form === 'plain' ? bytes : await decompressXz(bytes, expanded.size);
  // 4. Two files that say different things: apt reads the one, we the other.
  checkBytes(expanded, plain);
  return openIndexOf([release.suite], target, plain);
}

/**
 * An index that apt fetched and verified under the Release of its source, as it verifies Packages:
 * signature, dates and hash are apt's to check. `suites` are the names that the suite of that
 * Release goes by (`stable` and `bookworm`). Fails with `index-mismatch`, `index-malformed` and
 * `limit-exceeded`.
 */
export function openIndexOfApt(
  suites: readonly string[],
  target: IndexTarget,
  plain: Uint8Array,
): TrustedIndex {
  if (plain.length > LIMITS.indexExpandedBytes) {
    throw new DebshoalError('limit-exceeded', `an index of ${plain.length} bytes`);
  }
  return openIndexOf(suites, target, plain);
}

function openIndexOf(
  suites: readonly string[],
  target: IndexTarget,
  plain: Uint8Array,
): TrustedIndex {
  const index = decodeDeltasIndex(plain);
  // 5. Mix and match: the right path with the index of another component or architecture.
  checkName('suite', index.suite, ...suites);
  checkName('component', index.component, target.component);
  checkName('architecture', index.architecture, target.architecture);
  return index as TrustedIndex;
}

function findFile(release: TrustedRelease, path: string, maxSize: number): ListedFile | null {
  const file = release.files.find((candidate) => candidate.path === path) ?? null;
  if (file !== null && file.size > maxSize) {
    throw new DebshoalError('limit-exceeded', `${path} of ${file.size} bytes, over ${maxSize}`);
  }
  return file;
}

function checkBytes(listed: ListedFile, bytes: Uint8Array): void {
  if (bytes.length !== listed.size || sha256(bytes) !== listed.sha256) {
    throw new DebshoalError('index-mismatch', `${listed.path} is not the one that Release lists`);
  }
}

function checkName(what: string, actual: string, ...expected: readonly string[]): void {
  if (!expected.includes(actual)) {
    const names = expected.join(' or ');
    throw new DebshoalError('index-mismatch', `an index of ${what} ${actual}, not ${names}`);
  }
}
