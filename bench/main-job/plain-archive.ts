import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { copyFile, mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';

import { writeFileAtomically } from '../../shared/io/files.js';

export interface PlainArchiveOptions {
  /** Suite and codename, such as `bookworm`. */
  readonly suite: string;
  /** Every package, whatever its own architecture, is listed for each of these. */
  readonly architectures: readonly string[];
  /** Paths of the .debs that the archive shall offer. */
  readonly debs: readonly string[];
  /** The text of a .deb's control file. */
  readonly controlOf: (deb: string) => Promise<string>;
  /** Clear-signs the Release text; without it there is no InRelease (apt: `[trusted=yes]`). */
  readonly sign?: (release: string) => Promise<string>;
}

/**
 * Writes a Debian archive (dists/ and pool/, component `main`) into `folder`, with no Debian tool
 * and no privileges: https://wiki.debian.org/DebianRepository/Format. Called again for the same
 * folder it publishes the new list of packages; old files stay in the pool, unlisted.
 */
export async function writePlainArchive(
  folder: string,
  options: PlainArchiveOptions,
): Promise<void> {
  const stanzas: string[] = [];
  for (const deb of options.debs) {
    stanzas.push(await addToPool(folder, deb, (await options.controlOf(deb)).trim()));
  }
  const packages = Buffer.from(stanzas.map((stanza) => `${stanza}\n\n`).join(''));
  const indexes = new Map<string, Buffer>();
  for (const architecture of options.architectures) {
    indexes.set(`main/binary-${architecture}/Packages`, packages);
    indexes.set(`main/binary-${architecture}/Packages.gz`, gzipSync(packages, { level: 9 }));
  }
  const dists = join(folder, 'dists', options.suite);
  for (const [path, content] of indexes) await writeFileAtomically(join(dists, path), content);
  // Last: until then apt's view of the archive is the old one.
  const release = releaseText(options, indexes);
  await writeFileAtomically(join(dists, 'Release'), release);
  if (options.sign !== undefined) {
    await writeFileAtomically(join(dists, 'InRelease'), await options.sign(release));
  }
}

/** Copies a .deb into the pool; its stanza in Packages. */
async function addToPool(folder: string, deb: string, control: string): Promise<string> {
  const name = controlField(control, 'Package');
  const [, version = ''] = /^(?:\d+:)?(.*)$/.exec(controlField(control, 'Version')) ?? [];
  const file = `${name}_${version}_${controlField(control, 'Architecture')}.deb`;
  const letter = /^(?:lib)?./.exec(name)?.[0] ?? '_';
  const path = `pool/main/${letter}/${name}/${file}`;
  await mkdir(dirname(join(folder, path)), { recursive: true });
  await copyFile(deb, join(folder, path));
  const sums = { md5: createHash('md5'), sha256: createHash('sha256') };
  let size = 0;
  for await (const chunk of createReadStream(deb)) {
    const bytes = chunk as Buffer;
    size += bytes.length;
    for (const sum of Object.values(sums)) sum.update(bytes);
  }
  return [
    control,
    `Filename: ${path}`,
    `Size: ${size}`,
    `MD5sum: ${sums.md5.digest('hex')}`,
    `SHA256: ${sums.sha256.digest('hex')}`,
  ].join('\n');
}

/** The one-line value of a field of a control stanza; empty when it is missing. */
export function controlField(control: string, field: string): string {
  return new RegExp(`^${field}:[ \\t]*(.*?)[ \\t]*$`, 'im').exec(control)?.[1] ?? '';
}

function releaseText(options: PlainArchiveOptions, indexes: ReadonlyMap<string, Buffer>): string {
  const list = (algorithm: string): string =>
    [...indexes]
      .map(([path, content]) => {
        const sum = createHash(algorithm).update(content).digest('hex');
        return ` ${sum} ${content.length} ${path}\n`;
      })
      .join('');
  return [
    'Origin: debshoal\n',
    'Label: debshoal\n',
    `Suite: ${options.suite}\n`,
    `Codename: ${options.suite}\n`,
    `Date: ${new Date().toUTCString().replace('GMT', 'UTC')}\n`,
    `Architectures: ${options.architectures.join(' ')}\n`,
    'Components: main\n',
    `MD5Sum:\n${list('md5')}`,
    `SHA256:\n${list('sha256')}`,
  ].join('');
}
