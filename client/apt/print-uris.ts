import { DebshoalError } from '../../shared/errors.js';
import { parseArchiveName } from './archive-name.js';
import { SHA256_PATTERN } from '../../shared/io/hash.js';

/** One .deb that apt would download, from `apt-get --print-uris`. */
export interface UriLine {
  readonly package: string;
  readonly architecture: string;
  readonly version: string;
  readonly archiveName: string;
  readonly uri: string;
  readonly size: number;
  /** Null when the archive's index gives no SHA-256. */
  readonly sha256: string | null;
}

// 'URI' NAME SIZE HASH; apt escapes neither the name nor the URI beyond its %-encoding.
const LINE = /^'([^'\s]+)' ([^\s/]+) ([0-9]{1,15}) ?(\S*)$/;

/**
 * Parses the output of `apt-get -qq --print-uris -o Acquire::ForceHash=SHA256 …`. URIs come from a
 * repository's index and go on as they are. Fails with `apt-failed` on any line of another form.
 */
export function parsePrintUris(output: string): UriLine[] {
  return output
    .split('\n')
    .filter((line) => line !== '')
    .map(parseLine);
}

function parseLine(line: string): UriLine {
  const [, uri, archiveName, size, hash] = LINE.exec(line) ?? [];
  const name = archiveName === undefined ? null : parseArchiveName(archiveName);
  if (uri === undefined || archiveName === undefined || name === null || !URL.canParse(uri)) {
    throw new DebshoalError('apt-failed', `unexpected line of --print-uris: ${line}`);
  }
  const [algorithm, digest = ''] = (hash ?? '').split(':');
  const sha256 = algorithm === 'SHA256' && SHA256_PATTERN.test(digest) ? digest : null;
  return { ...name, archiveName, uri, size: Number(size), sha256 };
}
