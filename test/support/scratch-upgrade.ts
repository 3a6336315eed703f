import { copyFile, mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { writePlainArchive } from '../../bench/main-job/plain-archive.js';
import { makeScratchRoot } from '../../bench/main-job/scratch-root.js';
import { openAptSystem, type AptSystem } from '../../client/apt/apt-system.js';
import type { ExpandedDeb } from '../../client/apt/local-repository/local-repository.js';
import { findOrigins } from '../../client/apt/package-origins.js';
import { pendingUpgrades, type PendingPackage } from '../../client/apt/pending-upgrades.js';
import { hashFile } from '../../shared/io/hash.js';
import { controlOf, openDeb } from './dpkg-deb.js';
import { serveWithLog, type HttpLog } from './http-log.js';
import { makeTinyDeb } from './tiny-deb.js';

/** Packages that are installed in version 1 and pending in version 2. */
export const SCRATCH_PACKAGES = ['lab-library', 'lab-tool'];
const SUITE = 'lab';

export interface ScratchUpgrade {
  readonly mirror: HttpLog;
  /** A system with its source in etc/apt/sources.list; real apt works in it, but never installs. */
  root(): Promise<string>;
  close(): Promise<void>;
}

/** An archive in `base` with two upgrades that need no dependencies. */
export async function makeScratchUpgrade(base: string): Promise<ScratchUpgrade> {
  const archive = join(base, 'archive');
  await mkdir(archive);
  const debs = { old: [] as string[], new: [] as string[] };
  for (const name of SCRATCH_PACKAGES) {
    debs.old.push(await writeDeb(base, name, '1', 'xz'));
    debs.new.push(await writeDeb(base, name, '2', 'xz'));
    await writeDeb(base, name, '2', 'stored');
  }
  const options = { suite: SUITE, architectures: ['amd64'], controlOf };
  await writePlainArchive(archive, { ...options, debs: debs.new });
  const mirror = await serveWithLog(archive);
  let count = 0;
  return {
    mirror,
    root: async () => {
      const root = join(base, `root-${++count}`);
      const archiveUrl = `${mirror.url}/`;
      await makeScratchRoot(root, {
        debs: debs.old,
        upgrades: debs.new,
        archiveUrl,
        suite: SUITE,
        architecture: 'amd64',
        openDeb,
      });
      // The folders above belong to whoever runs the tests, and so must apt's methods.
      await writeFile(join(root, 'etc/apt/apt.conf.d/scratch'), 'APT::Sandbox::User "root";\n');
      const part = join(root, 'etc/apt/sources.list.d/scratch.list');
      await copyFile(part, join(root, 'etc/apt/sources.list'));
      await rm(part);
      await (await openAptSystem(root)).run('apt-get', ['-qq', 'update']);
      return root;
    },
    close: () => mirror.close(),
  };
}

/** What is pending in such a root, and its expanded form. */
export async function expandedDebs(
  base: string,
  system: AptSystem,
  pending: readonly PendingPackage[],
): Promise<ExpandedDeb[]> {
  const origins = await findOrigins(system, pending);
  return Promise.all(
    pending.map(async (one) => {
      const path = debPath(base, one.package, one.version, 'stored');
      const expanded = await hashFile(path);
      return { pending: one, origins: origins.get(one.sha256) ?? [], expanded, path };
    }),
  );
}

export async function pendingIn(root: string): Promise<PendingPackage[]> {
  return pendingUpgrades(await openAptSystem(root), { kind: 'upgrade' });
}

async function writeDeb(
  base: string,
  name: string,
  version: string,
  form: 'xz' | 'stored',
): Promise<string> {
  const recipe = {
    xz: { kind: 'xz', preset: 6, extreme: false, check: 4, blockBytes: 24 << 20 },
    stored: { kind: 'stored' },
  } as const;
  const entries = [{ path: `usr/share/${name}`, content: `${name} ${version}\n`.repeat(100) }];
  const path = debPath(base, name, version, form);
  await writeFile(
    path,
    await makeTinyDeb({ package: name, version, entries, recipe: recipe[form] }),
  );
  return path;
}

function debPath(base: string, name: string, version: string, form: string): string {
  return join(base, `${name}-${version}-${form}.deb`);
}
