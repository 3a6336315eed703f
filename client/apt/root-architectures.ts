import { readBounded } from '../../shared/io/files.js';
import { LIMITS } from '../../shared/limits.js';
import { readStatus } from './dpkg-status.js';
import { pathResolver } from './path-inside-root.js';

const ARCHITECTURE = /^[a-z0-9][a-z0-9-]*$/;

/**
 * The dpkg architectures of another root, native first; empty when it does not tell. dpkg writes
 * var/lib/dpkg/arch only once a foreign architecture is added; before, its own package tells.
 */
export async function architecturesOfRoot(root: string): Promise<string[]> {
  const paths = pathResolver(root);
  const list = await paths.file('/var/lib/dpkg/arch');
  if (list !== null) {
    const names = (await readBounded(list, LIMITS.configBytes)).toString('latin1').split('\n');
    return names.filter((name) => ARCHITECTURE.test(name));
  }
  const status = await paths.file('/var/lib/dpkg/status');
  if (status === null) return [];
  for await (const stanza of readStatus(status)) {
    const architecture = stanza.get('architecture') ?? '';
    if (stanza.get('package') === 'dpkg' && ARCHITECTURE.test(architecture)) return [architecture];
  }
  return [];
}
