import { createHash } from 'node:crypto';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';

import { sha256 } from '../../shared/io/hash.js';

/** A package file of an archive. */
export interface ArchivedDeb {
  readonly package: string;
  readonly version: string;
  readonly architecture: string;
  readonly bytes: Buffer;
  /** What Packages says instead of the truth. */
  readonly listed?: { readonly sha256?: string; readonly size?: number };
  /** Listed, but not there. */
  readonly isMissing?: boolean;
}

export interface TinySuite {
  readonly suite: string;
  readonly component?: string;
  readonly debs: readonly ArchivedDeb[];
}

const ARCHITECTURES = ['amd64', 'i386'];

/** (Re)writes dists/ and pool/ below `root`; what a suite no longer has goes. */
export async function writeArchive(root: string, suites: readonly TinySuite[]): Promise<void> {
  await rm(root, { recursive: true, force: true });
  const bySuite = new Map<string, TinySuite[]>();
  for (const one of suites) bySuite.set(one.suite, [...(bySuite.get(one.suite) ?? []), one]);
  for (const [suite, parts] of bySuite) await writeSuite(root, suite, parts);
}

async function writeSuite(root: string, suite: string, parts: readonly TinySuite[]): Promise<void> {
  const folder = join(root, 'dists', suite);
  const listed: string[] = [];
  for (const { component = 'main', debs } of parts) {
    for (const architecture of ARCHITECTURES) {
      const own = debs.filter((deb) => [architecture, 'all'].includes(deb.architecture));
      const stanzas = await Promise.all(own.map((deb) => writeDeb(root, suite, component, deb)));
      const path = `${component}/binary-${architecture}/Packages.gz`;
      const packed = gzipSync(stanzas.join('\n'));
      await mkdir(dirname(join(folder, path)), { recursive: true });
      await writeFile(join(folder, path), packed);
      listed.push(` ${sha256(packed)} ${packed.length} ${path}`);
    }
  }
  const release = [
    `Suite: ${suite}`,
    `Codename: ${suite}`,
    'Date: Sat, 11 Jul 2026 10:16:25 UTC',
    `Components: ${parts.map(({ component = 'main' }) => component).join(' ')}`,
    `Architectures: ${ARCHITECTURES.join(' ')}`,
    'SHA256:',
    ...listed,
    '',
  ];
  await writeFile(join(folder, 'Release'), release.join('\n'));
}

async function writeDeb(
  root: string,
  suite: string,
  component: string,
  deb: ArchivedDeb,
): Promise<string> {
  const { package: name, version, architecture, bytes, listed = {} } = deb;
  const path = `pool/${component}/${name}/${name}_${version}_${architecture}.deb`;
  await mkdir(dirname(join(root, path)), { recursive: true });
  if (deb.isMissing !== true) await writeFile(join(root, path), bytes);
  return [
    `Package: ${name}`,
    `Version: ${version}`,
    `Architecture: ${architecture}`,
    `Filename: ${path}`,
    `Size: ${listed.size ?? bytes.length}`,
    `MD5sum: ${createHash('md5').update(bytes).digest('hex')}`,
    `SHA256: ${listed.sha256 ?? sha256(bytes)}`,
    `Description: of ${suite}`,
    '',
  ].join('\n');
}
