import { stanzas, type Stanza } from '../../shared/deb/deb822.js';
import { readBounded } from '../../shared/io/files.js';
import { LIMITS } from '../../shared/limits.js';

/**
 * The stanzas of ROOT/var/lib/dpkg/status, one at a time. Fails with `source-changed` for a file
 * that dpkg did not write, `limit-exceeded` for an oversized one, with ENOENT's error when there is
 * no such file.
 */
export async function* readStatus(path: string): AsyncGenerator<Stanza> {
  const content = await readBounded(path, LIMITS.dpkgStatusBytes);
  yield* stanzas(content, { code: 'source-changed', maxStanzaBytes: LIMITS.controlStanzaBytes });
}

/**
 * Whether a package is completely installed. The first word is what the user wants: "hold ok
 * installed" is installed just as well.
 */
export function isInstalled(stanza: Stanza): boolean {
  return /^\S+ ok installed$/.test(stanza.get('status') ?? '');
}
