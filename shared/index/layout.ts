import { DebshoalError } from '../errors.js';
import type { Sha256 } from '../io/hash.js';

/**
 * Where things lie in a published tree; FORMAT.md draws it. Generator and client both ask here.
 * All paths are relative, with `/`; those of an index are relative to `dists/<suite>/`, as in every
 * Release. They are names of files: use urlPath() to put one into a URL.
 */

/** A file name that leaves room for the prefix and suffix of a temporary file beside it. */
const FILE_NAME_BYTES = 224;
const PATH_LENGTH = 1024;

/**
 * `openssl_3.0.20-1~deb12u2_3.0.22-1~deb12u2_amd64.delta`, with `:` as `%3a` like apt's own cache
 * names. Fails with `limit-exceeded` when no file system could hold the name.
 */
export function deltaFileName(
  packageName: string,
  oldVersion: string,
  newVersion: string,
  architecture: string,
): string {
  const versions = `${oldVersion}_${newVersion}`.replaceAll(':', '%3a');
  const name = `${packageName}_${versions}_${architecture}.delta`;
  if (name.length > FILE_NAME_BYTES) {
    throw new DebshoalError('limit-exceeded', `too long for the name of a file: ${name}`);
  }
  return name;
}

export function deltaPath(batchName: string, fileName: string): string {
  return `deltas/${batchName}/${fileName}`;
}

export function batchTorrentPath(batchName: string): string {
  return `torrents/${batchName}.torrent`;
}

/** The metalink (RFC 5854) of a delta or a full .deb lies beside it. */
export function metalinkPath(path: string): string {
  return `${path}.meta4`;
}

/** The torrent of one full .deb. */
export function debTorrentPath(infoHash: string): string {
  return `torrents/${infoHash}.torrent`;
}

/** The info hashes of all torrents, for trackers that serve only those they know. */
export function trackerWhitelistPath(): string {
  return 'torrents/whitelist';
}

export function suiteFolder(suite: string): string {
  return `dists/${suite}`;
}

export function releasePath(suite: string): string {
  return `${suiteFolder(suite)}/InRelease`;
}

export function indexPath(component: string, architecture: string): string {
  return `${component}/debshoal-${architecture}/Deltas`;
}

/** What apt asks for first with `Acquire-By-Hash: yes`: old and new index live side by side. */
export function byHashPath(path: string, hash: Sha256): string {
  return `${path.slice(0, path.lastIndexOf('/') + 1)}by-hash/SHA256/${hash}`;
}

/**
 * Every segment percent-encoded: `%3a` in a file name is `%253a` in its URL, or a server would look
 * for `:`.
 */
export function urlPath(path: string): string {
  return path.split('/').map(encodeURIComponent).join('/');
}

/**
 * True for a relative path that stays inside its folder wherever it is used: on a disk, after the
 * base of a URL, in an apt line. So no `..` (nor `%2e%2e`, which URLs take for the same), no
 * backslash, no blanks, no control characters, no empty segment, no leading `/`.
 */
export function isSafePath(path: string): boolean {
  if (path.length > PATH_LENGTH || !/^[!-[\]-~]+$/.test(path)) return false;
  return path.split('/').every((segment) => !/^(?:\.|%2e){0,2}$/i.test(segment));
}

/** `bookworm`, `bookworm/updates`: a safe path of plain segments. */
export function isSuite(text: string): boolean {
  return isSafePath(text) && /^[A-Za-z0-9][A-Za-z0-9.+~_/-]{0,127}$/.test(text);
}

/** `main`, `non-free-firmware`, `updates/main`. */
export function isComponent(text: string): boolean {
  return isSuite(text);
}

/** Names a folder and a .torrent; ours are dates such as `2025-11-23t134000z`. */
export function isBatchName(text: string): boolean {
  return /^[a-z0-9][a-z0-9.+-]{0,63}$/.test(text);
}

/** SHA-1 of a torrent's info dictionary: 40 lower-case hex digits. */
export function isInfoHash(text: string): boolean {
  return /^[0-9a-f]{40}$/.test(text);
}
