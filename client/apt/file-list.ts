import { readBounded } from '../../shared/io/files.js';
import { DebshoalError } from '../../shared/errors.js';
import { LIMITS } from '../../shared/limits.js';

const NEWLINE = 0x0a;

/**
 * The paths in one of dpkg's info/NAME.list files, without the root folder itself ("/.") and
 * without `obsolete` ones: unique, in the order of their bytes. Fails with `source-changed` for a
 * list that dpkg did not write.
 */
export async function readFileList(path: string, obsolete: ReadonlySet<string>): Promise<string[]> {
  const content = await readBounded(path, LIMITS.dpkgListBytes);
  const lines: Buffer[] = [];
  for (let start = 0; start < content.length;) {
    const end = content.indexOf(NEWLINE, start);
    const stop = end === -1 ? content.length : end;
    lines.push(content.subarray(start, stop));
    start = stop + 1;
  }
  // By bytes, before decoding: JavaScript compares UTF-16 units, another order.
  lines.sort((a, b) => Buffer.compare(a, b));
  const paths = new Set<string>();
  for (const line of lines) {
    const listed = line.toString();
    if (listed === '/.' || obsolete.has(listed)) continue;
    if (!isListedPath(listed)) {
      throw new DebshoalError('source-changed', `${path} lists ${JSON.stringify(listed)}`);
    }
    paths.add(listed);
  }
  return [...paths];
}

/** Absolute, no empty, '.' or '..' component, no NUL: what dpkg writes, and nothing that escapes. */
function isListedPath(path: string): boolean {
  if (!path.startsWith('/') || path.includes('\0')) return false;
  const [, ...names] = path.split('/');
  return names.every((name) => name !== '' && name !== '.' && name !== '..');
}
