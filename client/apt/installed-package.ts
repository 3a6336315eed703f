import { lstatSync, readlinkSync } from 'node:fs';
import { readdir, realpath } from 'node:fs/promises';

import { DebshoalError } from '../../shared/errors.js';
import { readDiversions } from './diversions.js';
import type { Stanza } from '../../shared/deb/deb822.js';
import { isInstalled, readStatus } from './dpkg-status.js';
import { readFileList } from './file-list.js';
import { pathResolver, type PathResolver } from './path-inside-root.js';

/** The files of an installed package: what a delta may copy from. Contents are not checked. */
export interface InstalledPackage {
  /** All paths of the package (folders and links too), as dpkg lists them; ordered by bytes. */
  readonly listedPaths: readonly string[];
  /**
   * The regular file on this machine for a listed path: absolute, free of symlinks, never outside
   * the root, diversions followed. Null when it is missing or no regular file.
   */
  locate(listedPath: string): Promise<string | null>;
  /** `locate` without a look at what is there: its last component may be anything, or missing. */
  place(listedPath: string): Promise<string | null>;
  /** Target of a symbolic link, one character a byte; null when the path is none on this machine. */
  linkTarget(listedPath: string): Promise<string | null>;
  /** Control member (`postinst`, `md5sums`, …; not `control`) → absolute path of its copy. */
  readonly controlFiles: ReadonlyMap<string, string>;
}

/**
 * Opens package `name` as installed under `root`. Fails with `not-installed` unless dpkg has
 * exactly this version completely installed, `source-changed` when dpkg's records are damaged.
 */
export async function openInstalledPackage(
  root: string,
  name: string,
  architecture: string,
  version: string,
): Promise<InstalledPackage> {
  const paths = pathResolver(await realpath(root));
  const wanted = `${name}:${architecture} ${version}`;
  const status = await paths.file('/var/lib/dpkg/status');
  if (status === null) throw notInstalled(wanted, `${root} has no dpkg database`);
  const stanza = await findStanza(status, name, architecture);
  if (stanza === undefined || !isInstalled(stanza)) {
    throw notInstalled(wanted, stanza?.get('status') ?? 'not known to dpkg');
  }
  const installed = stanza.get('version') ?? '';
  if (installed !== version) throw notInstalled(wanted, `${installed} is installed`);

  // dpkg(1), "Multi-Arch: same" may be installed for several architectures side by side.
  const prefix = stanza.get('multi-arch') === 'same' ? `${name}:${architecture}` : name;
  const listFile = await paths.file(`/var/lib/dpkg/info/${prefix}.list`);
  if (listFile === null) throw notInstalled(wanted, 'dpkg has no list of its files');
  const listedPaths = await readFileList(listFile, conffilesNotInDeb(stanza));
  const diversions = await paths.file('/var/lib/dpkg/diversions');
  const diverted = diversions === null ? null : await readDiversions(diversions, name);
  const listed = new Set(listedPaths);
  const place = (path: string): Promise<string | null> =>
    listed.has(path) ? paths.entry(diverted?.get(path) ?? path) : Promise.resolve(null);
  return {
    listedPaths,
    place,
    locate: async (path) => {
      if (!listed.has(path)) return null;
      return await paths.file(diverted?.get(path) ?? path);
    },
    linkTarget: async (path) => {
      const link = await place(path);
      return link === null ? null : readLinkIfAny(link);
    },
    controlFiles: await controlFiles(paths, prefix),
  };
}

function readLinkIfAny(path: string): string | null {
  try {
    // Most are folders, and an error for each would take longer than looking first.
    const isLink = lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() === true;
    return isLink ? readlinkSync(path, 'latin1') : null;
  } catch {
    return null;
  }
}

function notInstalled(wanted: string, why: string): DebshoalError {
  return new DebshoalError('not-installed', `${wanted}: ${why}`);
}

async function findStanza(
  statusFile: string,
  name: string,
  architecture: string,
): Promise<Stanza | undefined> {
  for await (const stanza of readStatus(statusFile)) {
    if (stanza.get('package') === name && stanza.get('architecture') === architecture) {
      return stanza;
    }
  }
  return undefined;
}

/**
 * Conffiles of earlier versions stay in .list until they are purged (`obsolete`); those marked
 * `remove-on-upgrade` (dpkg 1.20.6) are in no .deb either.
 */
function conffilesNotInDeb(stanza: Stanza): Set<string> {
  const lines = (stanza.get('conffiles') ?? '').split('\n');
  const flagged = /^(\/.*) (?:[0-9a-f]{32}|newconffile)(?: obsolete| remove-on-upgrade)+$/;
  return new Set(lines.flatMap((line) => flagged.exec(line)?.[1] ?? []));
}

async function controlFiles(paths: PathResolver, prefix: string): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  const info = '/var/lib/dpkg/info';
  const folder = await paths.folder(info);
  for (const file of folder === null ? [] : await readdir(folder)) {
    const member = file.slice(prefix.length + 1);
    if (!file.startsWith(`${prefix}.`) || member === 'list' || member === 'control') continue;
    // A dot ends the name of another package: `foo.bar.list` is not of `foo`.
    const path = /^[\w-]+$/.test(member) ? await paths.file(`${info}/${file}`) : null;
    if (path !== null) found.set(member, path);
  }
  return found;
}
