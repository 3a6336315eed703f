import { z } from 'zod';

import { compareVersions, isVersion } from '../../../shared/deb/version.js';
import { writeFileAtomically } from '../../../shared/io/files.js';
import { SHA256_PATTERN } from '../../../shared/io/hash.js';
import { LIMITS } from '../../../shared/limits.js';
import { readKept } from '../../store/read-kept.js';

const content = z.strictObject({ size: z.int().min(1), sha256: z.string().regex(SHA256_PATTERN) });

const listedPackage = z.strictObject({
  package: z.string(),
  architecture: z.string(),
  version: z.string().refine(isVersion),
  /** What apt's cache calls the archive's .deb. */
  archiveName: z.string(),
  /** The archive's own .deb, which this one stands for, and where apt would get it. */
  original: content.extend({ uris: z.array(z.string()) }),
  expanded: content,
  /** Every release that lists it. */
  origins: z.array(
    z.strictObject({
      repositoryUri: z.string(),
      release: z.string(),
      component: z.string(),
      architecture: z.string(),
      /** Of the archive's Release. */
      identity: z.record(z.string(), z.string()),
      /** Of the archive's Packages, in their order. */
      stanza: z.array(z.tuple([z.string(), z.string()])),
    }),
  ),
});

/** A package of the local repository. */
export type ListedPackage = z.infer<typeof listedPackage>;
export type ListedOrigin = ListedPackage['origins'][number];

/** The file's name in the pool: without '%', which the layers of apt quote differently. */
export function poolName({ archiveName }: ListedPackage): string {
  return archiveName.replaceAll('%3a', '.');
}

/**
 * What the repository lists; empty when there is none, or when the record of it is damaged: nothing
 * depends on it then, what it described is listed anew or removed.
 */
export async function readListed(path: string): Promise<ListedPackage[]> {
  return (await readKept(path, z.array(listedPackage), LIMITS.stateBytes)) ?? [];
}

export function writeListed(path: string, packages: readonly ListedPackage[]): Promise<void> {
  return writeFileAtomically(path, JSON.stringify(packages));
}

/** Whether dpkg still has an older version; `installed` is null when the package was removed. */
export function isPending(listed: ListedPackage, installed: string | null): boolean {
  return installed !== null && compareVersions(installed, listed.version) < 0;
}
