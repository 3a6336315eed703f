import { readdir } from 'node:fs/promises';
import { join } from 'node:path';

import { isArchitecture } from '../../shared/deb/control.js';
import { stanzas, type Stanza } from '../../shared/deb/deb822.js';
import { DebshoalError } from '../../shared/errors.js';
import { isMissing } from '../../shared/io/errno.js';
import { isComponent, isSuite } from '../../shared/index/layout.js';
import { readBounded } from '../../shared/io/files.js';
import { LIMITS } from '../../shared/limits.js';
import { nearestName } from '../../shared/nearest-name.js';

/** Where an index and what it lists are found. */
export interface IndexLocation {
  /** Base URL without a slash at the end: that of `dists/`, `deltas/` and `torrents/`. */
  readonly uri: string;
  /** The path below `dists/`. */
  readonly suite: string;
}

/** One published tree of deltas, one suite of it. */
export interface IndexSource extends IndexLocation {
  readonly components: readonly string[];
  /** Empty: the system's own. */
  readonly architectures: readonly string[];
  /** Path of the public key, on this machine. */
  readonly signedBy: string;
  /** The user trusts its publisher as much as the archives: it may vouch for expanded .debs. */
  readonly allowsExpanded: boolean;
}

/** Where sources are configured below the root: one deb822 file each, as apt has them. */
export const SOURCES_FOLDER = 'etc/debshoal/sources.d';

/** Reads `*.sources` below `root`; a mistake is `config-invalid` with file, line and reason. */
export async function readIndexSources(root: string): Promise<IndexSource[]> {
  const folder = join(root, SOURCES_FOLDER);
  const names = await readdir(folder).catch((cause: unknown) => {
    if (isMissing(cause)) return [];
    throw new DebshoalError('config-invalid', `${folder} cannot be read`, {
      cause,
      hint: 'The daemon runs as user debshoal, which must be able to read it.',
    });
  });
  const sources: IndexSource[] = [];
  for (const name of names.filter((file) => file.endsWith('.sources')).sort()) {
    const path = join(folder, name);
    sources.push(...parseIndexSources(await readBounded(path, LIMITS.configBytes), path, root));
  }
  return sources;
}

/** Parses one file of sources. `Signed-By` is a path below `root`, or beside the file. */
export function parseIndexSources(text: Uint8Array | string, path: string, root: string) {
  const options = {
    code: 'config-invalid',
    maxStanzaBytes: LIMITS.configBytes,
    comments: true,
  } as const;
  return [...stanzas(text, options)].flatMap((stanza) => readStanza(stanza, path, root));
}

const FIELDS = [
  'Enabled',
  'URIs',
  'Suites',
  'Components',
  'Architectures',
  'Signed-By',
  'Allow-Expanded',
] as const;

function readStanza(stanza: Stanza, path: string, root: string): IndexSource[] {
  const fail = (reason: string, hint?: string): never => {
    const where = `${path} stanza at line ${stanza.line}`;
    throw new DebshoalError('config-invalid', `${where}: ${reason}`, hint ? { hint } : {});
  };
  for (const { name } of stanza.fields) {
    if (FIELDS.some((field) => field.toLowerCase() === name.toLowerCase())) continue;
    const nearest = nearestName(name, FIELDS);
    fail(`unknown field ${name}`, nearest === null ? undefined : `Did you mean ${nearest}?`);
  }
  if (/^(no|false|0)$/i.test(stanza.get('Enabled') ?? 'yes')) return [];
  const words = (name: (typeof FIELDS)[number], isValid: (word: string) => boolean): string[] => {
    const list = (stanza.get(name) ?? '').split(/\s+/).filter((word) => word !== '');
    for (const word of list) if (!isValid(word)) fail(`${name} cannot contain ${word}`);
    return list;
  };
  const required = (name: (typeof FIELDS)[number], isValid: (word: string) => boolean) => {
    const list = words(name, isValid);
    return list.length > 0 ? list : fail(`no field ${name}`);
  };
  const signedBy = stanza.get('Signed-By') ?? fail('no field Signed-By');
  if (!signedBy.startsWith('/')) fail('Signed-By must be an absolute path');
  const allowed = stanza.get('Allow-Expanded') ?? 'no';
  if (!/^(?:yes|no)$/i.test(allowed)) fail(`Allow-Expanded is yes or no, not ${allowed}`);
  const components = required('Components', isComponent);
  const architectures = words('Architectures', isArchitecture);
  const uris = required('URIs', isHttpUrl);
  if (uris.some((uri) => new URL(uri).username !== '' || new URL(uri).password !== '')) {
    fail('URIs cannot contain a user or a password', 'An index is public: leave them out.');
  }
  return uris.flatMap((uri) =>
    required('Suites', isSuite).map((suite) => ({
      uri: uri.replace(/\/+$/, ''),
      suite,
      components,
      architectures,
      signedBy: join(root, signedBy),
      allowsExpanded: /^yes$/i.test(allowed),
    })),
  );
}

export function isHttpUrl(text: string): boolean {
  return URL.canParse(text) && /^https?:$/.test(new URL(text).protocol);
}
