import { listedPath } from '../deb/tar.js';

/*
 * The md5sums file of a package: what dh_md5sums (debhelper) writes is known from the files alone,
 * and what dpkg keeps of the old package says what its files should be.
 */

export interface SummedFile {
  /** As dpkg lists it: `/usr/bin/git`, UTF-8. */
  readonly path: string;
  /** 32 lower-case hex digits. */
  readonly md5: string;
}

/**
 * The md5sums that dh_md5sums writes for these regular files (hard links too, with the sum of what
 * they link to): all but conffiles, in the order of the bytes of their paths (`LC_ALL=C sort`).
 * `conffiles` has paths like those of the files.
 */
export function predictMd5sums(
  files: Iterable<SummedFile>,
  conffiles: ReadonlySet<string>,
): Buffer {
  const lines: { path: Buffer; md5: string }[] = [];
  for (const { path, md5 } of files) {
    if (!conffiles.has(path)) lines.push({ path: Buffer.from(path.replace(/^\//, '')), md5 });
  }
  lines.sort((a, b) => Buffer.compare(a.path, b.path));
  const newline = Buffer.from('\n');
  return Buffer.concat(lines.flatMap(({ path, md5 }) => [Buffer.from(`${md5}  `), path, newline]));
}

/** GNU md5sum's line: two blanks, or a blank and an asterisk for binary mode. */
const LINE = /^([0-9a-f]{32}) [ *](.+)$/i;

/**
 * Path → MD5 of a package's md5sums, paths as dpkg lists them. Lines that are none are skipped, of
 * several for one path the last one counts: whoever relies on a sum has the hash of the result.
 */
export function parseMd5sums(bytes: Uint8Array): ReadonlyMap<string, string> {
  const sums = new Map<string, string>();
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8');
  for (const line of text.split('\n')) {
    const [, md5, path] = LINE.exec(line) ?? [];
    if (md5 !== undefined && path !== undefined) sums.set(listedPath(path), md5.toLowerCase());
  }
  return sums;
}

/** The paths in a package's conffiles; those to be removed on upgrade are in no package. */
export function parseConffiles(bytes: Uint8Array): ReadonlySet<string> {
  const lines = Buffer.from(bytes).toString('utf8').split('\n');
  return new Set(lines.map((line) => line.trimEnd()).filter((line) => line.startsWith('/')));
}
