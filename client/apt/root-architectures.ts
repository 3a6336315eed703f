import { join } from 'node:path';

import { readBounded } from '../../shared/io/files.js';
import { LIMITS } from '../../shared/limits.js';
import { readStatus } from './dpkg-status.js';
import { isMissing } from './missing-file.js';

const ARCHITECTURE = /^[a-z0-9][a-z0-9-]*$/;

/**
 * The dpkg architectures of another root, native first; empty when it does not tell. dpkg writes
 * var/lib/dpkg/arch only once a foreign architecture is added; before, its own package tells.
 */
export async function architecturesOfRoot(root: string): Promise<string[]> {
  try {
    const names = await readBounded(join(root, 'var/lib/dpkg/arch'), LIMITS.configBytes);
    return names
      .toString('latin1')
      .split('\n')
      .filter((name) => ARCHITECTURE.test(name));
  } catch (error) {
    if (!isMissing(error)) throw error;
  }
  try {
    for await (const stanza of readStatus(join(root, 'var/lib/dpkg/status'))) {
      const architecture = stanza.get('architecture') ?? '';
      if (stanza.get('package') === 'dpkg' && ARCHITECTURE.test(architecture)) {
        return [architecture];
      }
    }
  } catch (error) {
    if (!isMissing(error)) throw error;
  }
  return [];
}
