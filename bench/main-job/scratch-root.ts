import { createHash } from 'node:crypto';
import { appendFile, mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';

import { extractDataTar, readControlTar } from './extract-tar.js';
import { controlField } from './plain-archive.js';
import { dependencyProvider } from './scratch-dependencies.js';

/** The two tars of a .deb, decompressed. */
export interface DebStreams {
  readonly control: Readable;
  readonly data: Readable;
}

export interface InstalledRootOptions {
  /** Paths of the .debs that shall be installed. */
  readonly debs: readonly string[];
  readonly architecture: string;
  /** Called once for each .deb; a stream that is not needed is destroyed. */
  readonly openDeb: (deb: string) => Promise<DebStreams>;
}

export interface ScratchRootOptions extends InstalledRootOptions {
  /** Paths of the .debs that the archive will offer: their dependencies are provided for. */
  readonly upgrades: readonly string[];
  readonly archiveUrl: string;
  readonly suite: string;
}

const DPKG_FOLDERS = ['var/lib/dpkg/info', 'var/lib/dpkg/updates'];
const APT_FOLDERS = [
  'etc/apt/apt.conf.d',
  'etc/apt/preferences.d',
  'etc/apt/sources.list.d',
  'etc/apt/trusted.gpg.d',
  'var/cache/apt/archives/partial',
  'var/lib/apt/lists/partial',
];

/** Debian since bookworm has these as links into /usr. */
const MERGED = ['bin', 'lib', 'lib64', 'sbin'];

/**
 * Makes `folder` look like a Debian system that has `debs` installed: their files and dpkg's
 * records of them, and an apt that knows one archive. Without dpkg and without privileges: files
 * belong to the caller and no maintainer script runs. Real apt can update, resolve, download there
 * (`apt-get -d`); only installing needs a real system.
 */
export async function makeScratchRoot(folder: string, options: ScratchRootOptions): Promise<void> {
  for (const name of APT_FOLDERS) await mkdir(join(folder, name), { recursive: true });
  const controls = await makeInstalledRoot(folder, options);
  for (const deb of options.upgrades) {
    const { control, data } = await options.openDeb(deb);
    data.destroy();
    controls.push(controlText(await readControlTar(control)));
  }
  const provider = dependencyProvider(controls, options.architecture);
  await appendFile(join(folder, 'var/lib/dpkg/status'), `\n${provider}`);
  // An archive of the same run on the loopback, which nobody else can reach: no key to check.
  const source = `deb [trusted=yes] ${options.archiveUrl} ${options.suite} main\n`;
  await writeFile(join(folder, 'etc/apt/sources.list.d/scratch.list'), source);
}

/** The part of a scratch root that dpkg would make, enough to rebuild from; the control texts. */
export async function makeInstalledRoot(
  folder: string,
  options: InstalledRootOptions,
): Promise<string[]> {
  for (const name of DPKG_FOLDERS) await mkdir(join(folder, name), { recursive: true });
  for (const name of MERGED) {
    await mkdir(join(folder, 'usr', name), { recursive: true });
    await symlink(`usr/${name}`, join(folder, name));
  }
  const controls: string[] = [];
  const status: string[] = [];
  for (const deb of options.debs) {
    const { control, stanza } = await installWithoutDpkg(folder, await options.openDeb(deb));
    controls.push(control);
    status.push(stanza);
  }
  await writeFile(join(folder, 'var/lib/dpkg/status'), status.join('\n'));
  await writeFile(join(folder, 'var/lib/dpkg/arch'), `${options.architecture}\n`);
  return controls;
}

/** Extracts one package and writes its part of info/; its control text and status stanza. */
async function installWithoutDpkg(
  folder: string,
  streams: DebStreams,
): Promise<{ control: string; stanza: string }> {
  const members = await readControlTar(streams.control);
  const listed = await extractDataTar(streams.data, folder);
  const control = controlText(members);
  const name = controlField(control, 'Package');
  const architecture = controlField(control, 'Architecture');
  const same = controlField(control, 'Multi-Arch') === 'same';
  const info = join(folder, 'var/lib/dpkg/info', same ? `${name}:${architecture}` : name);
  await writeFile(`${info}.list`, `${listed.join('\n')}\n`);
  for (const [member, content] of members) {
    if (member === 'control') continue;
    const script = ['config', 'postinst', 'postrm', 'preinst', 'prerm'].includes(member);
    await writeFile(`${info}.${member}`, content, { mode: script ? 0o755 : 0o644 });
  }
  // dpkg puts Status second and the conffiles' checksums into the stanza.
  const installed = control.replace('\n', '\nStatus: install ok installed\n');
  return { control, stanza: `${installed}\n${await conffiles(folder, members)}` };
}

function controlText(members: ReadonlyMap<string, Buffer>): string {
  return (members.get('control') ?? Buffer.alloc(0)).toString().trim();
}

async function conffiles(folder: string, members: ReadonlyMap<string, Buffer>): Promise<string> {
  const paths = (members.get('conffiles') ?? Buffer.alloc(0)).toString().split('\n');
  const lines: string[] = [];
  for (const path of paths.filter((line) => line.startsWith('/'))) {
    const content = await readFile(join(folder, path));
    lines.push(` ${path} ${createHash('md5').update(content).digest('hex')}\n`);
  }
  return lines.length === 0 ? '' : `Conffiles:\n${lines.join('')}`;
}
