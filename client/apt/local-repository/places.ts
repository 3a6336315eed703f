import { chmod, mkdir } from 'node:fs/promises';
import { join } from 'node:path';

import type { AptSystem } from '../apt-system.js';
import { STATE_FOLDER } from '../../store/folders.js';

/**
 * Where the local repository is, for one system. apt's unprivileged user reads all but the key.
 *
 *     /var/lib/debshoal/
 *       repository/                    removed as a whole
 *         listed.json                  what is listed and what it stands for
 *         <origin>/dists/<suite>/…     one archive for each release that packages come from
 *         <origin>/pool/….deb
 *       apt/                           what the links below /etc/apt lead to
 *       repository-key/                0700
 *       repository-key.asc             its public half
 */
export interface Places {
  readonly state: string;
  readonly repository: string;
  readonly listed: string;
  readonly apt: string;
  readonly keyFolder: string;
  readonly publicKey: string;
}

export function placesOf(system: Pick<AptSystem, 'root'>): Places {
  const state = join(system.root, STATE_FOLDER);
  const repository = join(state, 'repository');
  return {
    state,
    repository,
    listed: join(repository, 'listed.json'),
    apt: join(state, 'apt'),
    keyFolder: join(state, 'repository-key'),
    publicKey: join(state, 'repository-key.asc'),
  };
}

/** Whatever the umask: apt's methods run as _apt, and `apt policy` as any user. */
export async function makeReadableFolder(path: string): Promise<void> {
  await mkdir(path, { recursive: true });
  await chmod(path, 0o755);
}
